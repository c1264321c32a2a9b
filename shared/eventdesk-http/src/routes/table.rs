//! The table itself.

use std::marker::PhantomData;

use eventdesk_app::access::Permission as P;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    Access::{Authenticated, Needs, Public},
    Answer, Media,
    Owner::{CommandDirectory, CommandMessage, CommandTicket, Identity, Operations, QueryDirectory, QueryTicket},
    Parameter, Program, Route, SchemaFn, parameters as q,
    program::{answers, elsewhere},
};
use crate::{
    handlers::{
        clients, documents, employees, messages, operations, operators, projections, session, ticket_changes,
        ticket_patch, tickets, token, user_changes, users,
    },
    represent::{EmployeeView, EntryView, MessageView, TicketView, UserView},
};

const TICKETS_READ: &[&str] = &["tickets:read"];
const TICKETS_WRITE: &[&str] = &["tickets:write"];
const MESSAGES_READ: &[&str] = &["messages:read"];
const MESSAGES_WRITE: &[&str] = &["messages:write"];
const DIRECTORY_READ: &[&str] = &["directory:read"];
const DIRECTORY_WRITE: &[&str] = &["directory:write"];
const ADMIN: &[&str] = &["admin"];

/// `METHOD "path", owner, access, "summary" => handler`, the path after `/api/v1`; within a function of `Of`, the
/// program.
macro_rules! route {
    ($method:ident $path:literal, $owner:expr, $access:expr, $tag:literal, $summary:literal => $handler:path) => {
        Row::<Of> {
            route: Route {
                method: Method::$method,
                path: concat!("/api/v1", $path),
                at_root: false,
                function: $owner,
                access: $access,
                scopes: &[],
                summary: $summary,
                tag: $tag,
                parameters: &[],
                request: None,
                answer: Answer::Nothing,
                // Known while compiling, so that nothing leads to the handlers of others.
                handler: if const { answers::<Of>($owner) } {
                    |request| Box::pin($handler(request))
                } else {
                    elsewhere
                },
            },
            of: PhantomData,
        }
    };
}

/// All routes, with the handlers of this program.
pub(super) fn routes<Of: Program>() -> Vec<Route> {
    let sections = [tickets, messages, directory, authentication, service_accounts, operations];
    sections.into_iter().flat_map(|section: fn() -> Vec<Row<Of>>| section()).map(|row| row.route).collect()
}

/// A route of this program.
struct Row<Of> {
    route: Route,
    of: PhantomData<Of>,
}

impl<Of: Program> Row<Of> {
    fn with(self, change: impl FnOnce(&mut Route)) -> Self {
        let mut row = self;
        change(&mut row.route);
        row
    }

    fn scopes(self, scopes: &'static [&'static str]) -> Self {
        self.with(|route| route.scopes = scopes)
    }

    fn takes<T: JsonSchema>(self, media: Media) -> Self {
        self.with(|route| route.request = Some((media, schema_of::<Of, T>())))
    }

    fn parameters(self, parameters: &'static [Parameter]) -> Self {
        self.with(|route| route.parameters = parameters)
    }

    fn answers<T: JsonSchema>(self, status: u16) -> Self {
        self.with(|route| route.answer = Answer::Json(status, schema_of::<Of, T>()))
    }

    fn pages<T: JsonSchema>(self) -> Self {
        self.with(|route| route.answer = Answer::Page(schema_of::<Of, T>()))
    }

    fn other(self, media_type: &'static str) -> Self {
        self.with(|route| route.answer = Answer::Other(media_type))
    }

    fn empties(self) -> Self {
        self.with(|route| route.answer = Answer::Empty)
    }

    fn also_at_root(self) -> Self {
        self.with(|route| route.at_root = true)
    }
}

/// Known while compiling, so that nothing leads to schemas where nobody asks for them.
fn schema_of<Of: Program, T: JsonSchema>() -> SchemaFn {
    if const { Of::DESCRIBES } { SchemaGenerator::subschema_for::<T> } else { |_| Schema::default() }
}

fn tickets<Of: Program>() -> Vec<Row<Of>> {
    use ticket_changes as c;
    vec![
        route!(POST "/tickets", CommandTicket, Needs(P::TicketsOpen), "tickets", "Opens a ticket." => c::open)
            .takes::<c::NewTicket>(Media::Json)
            .answers::<TicketView<'static>>(201)
            .scopes(TICKETS_WRITE),
        route!(GET "/tickets", QueryTicket, Needs(P::TicketsRead), "tickets", "Lists tickets." => tickets::list)
            .parameters(q::TICKETS)
            .pages::<TicketView<'static>>()
            .scopes(TICKETS_READ),
        route!(GET "/tickets/{ticket_id}", QueryTicket, Needs(P::TicketsRead), "tickets",
            "Shows a ticket, by id or number." => tickets::get)
        .parameters(q::TICKET)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_READ),
        route!(PATCH "/tickets/{ticket_id}", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Sets some fields of a ticket." => ticket_patch::patch)
        .takes::<ticket_patch::TicketPatch>(Media::MergePatch)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(PUT "/tickets/{ticket_id}", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Sets all fields of a ticket." => c::replace)
        .takes::<c::WholeTicket>(Media::Json)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(DELETE "/tickets/{ticket_id}", CommandTicket, Needs(P::TicketsDelete), "tickets",
            "Deletes a ticket; its history stays." => c::delete)
        .scopes(TICKETS_WRITE),
        route!(PUT "/tickets/{ticket_id}/status", CommandTicket, Needs(P::TicketsMove), "tickets",
            "Moves a ticket to another status." => c::set_status)
        .takes::<c::StatusBody>(Media::Json)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(PUT "/tickets/{ticket_id}/assignee", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Gives a ticket to an active staff user." => c::assign)
        .takes::<c::AssigneeBody>(Media::Json)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(DELETE "/tickets/{ticket_id}/assignee", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Takes a ticket from its assignee." => c::unassign)
        .scopes(TICKETS_WRITE),
        route!(PUT "/tickets/{ticket_id}/requester", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Makes a ticket about another employee." => c::change_requester)
        .takes::<c::RequesterBody>(Media::Json)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(PUT "/tickets/{ticket_id}/tags/{tag}", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Adds a tag." => c::tag)
        .answers::<TicketView<'static>>(200)
        .scopes(TICKETS_WRITE),
        route!(DELETE "/tickets/{ticket_id}/tags/{tag}", CommandTicket, Needs(P::TicketsWrite), "tickets",
            "Removes a tag." => c::untag)
        .scopes(TICKETS_WRITE),
        route!(GET "/tickets/{ticket_id}/history", QueryTicket, Needs(P::TicketsHistory), "tickets",
            "Lists who did what on a ticket, oldest first." => tickets::history)
        .parameters(q::HISTORY)
        .pages::<EntryView<'static>>()
        .scopes(TICKETS_READ),
    ]
}

fn messages<Of: Program>() -> Vec<Row<Of>> {
    use messages as m;
    vec![
        route!(POST "/tickets/{ticket_id}/messages", CommandMessage, Needs(P::Messages), "messages",
            "Posts a message." => m::post)
        .takes::<m::NewMessage>(Media::Json)
        .answers::<MessageView<'static>>(201)
        .scopes(MESSAGES_WRITE),
        route!(GET "/tickets/{ticket_id}/messages", QueryTicket, Needs(P::Messages), "messages",
            "Lists a ticket's messages, oldest first." => m::list_of_ticket)
        .parameters(q::TICKET_MESSAGES)
        .pages::<MessageView<'static>>()
        .scopes(MESSAGES_READ),
        route!(GET "/tickets/{ticket_id}/messages/{message_id}", QueryTicket, Needs(P::Messages), "messages",
            "Shows a message." => m::get)
        .answers::<MessageView<'static>>(200)
        .scopes(MESSAGES_READ),
        route!(PATCH "/tickets/{ticket_id}/messages/{message_id}", CommandMessage, Needs(P::Messages), "messages",
            "Replaces the text of one's own message." => m::edit)
        .takes::<m::MessagePatch>(Media::MergePatch)
        .answers::<MessageView<'static>>(200)
        .scopes(MESSAGES_WRITE),
        route!(DELETE "/tickets/{ticket_id}/messages/{message_id}", CommandMessage, Needs(P::Messages), "messages",
            "Takes a message back: its text goes, the fact stays." => m::retract)
        .scopes(MESSAGES_WRITE),
        route!(GET "/messages", QueryTicket, Needs(P::Messages), "messages",
            "Lists messages of all tickets, oldest first." => m::list_all)
        .parameters(q::MESSAGES)
        .pages::<MessageView<'static>>()
        .scopes(MESSAGES_READ),
    ]
}

fn directory<Of: Program>() -> Vec<Row<Of>> {
    let mut routes = users::<Of>();
    routes.extend(employees::<Of>());
    routes
}

fn users<Of: Program>() -> Vec<Row<Of>> {
    use user_changes as c;
    vec![
        route!(POST "/users", CommandDirectory, Needs(P::UsersAdminister), "directory", "Registers a user." =>
            users::register)
        .takes::<users::NewUser>(Media::Json)
        .answers::<UserView<'static>>(201)
        .scopes(DIRECTORY_WRITE),
        route!(GET "/users", QueryDirectory, Needs(P::UsersRead), "directory", "Lists users." => users::list)
            .parameters(q::USERS)
            .pages::<UserView<'static>>()
            .scopes(DIRECTORY_READ),
        route!(GET "/users/{user_id}", QueryDirectory, Needs(P::UsersRead), "directory", "Shows a user." =>
            users::get)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_READ),
        route!(GET "/users/{user_id}/history", QueryDirectory, Needs(P::UsersAdminister), "directory",
            "Lists who changed what about a user, deleted ones too, oldest first; names and contacts are left out." =>
            users::history)
        .parameters(q::USER_HISTORY)
        .pages::<EntryView<'static>>()
        .scopes(DIRECTORY_READ),
        route!(PUT "/users/{user_id}", CommandDirectory, Needs(P::UsersAdminister), "directory",
            "Sets a user's whole record, the password apart." => c::replace)
        .takes::<c::WholeUser>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/contacts", CommandDirectory, Needs(P::UsersModerate), "directory",
            "Sets a user's name and contacts; those of an admin are for admins." => c::set_contacts)
        .takes::<c::ContactsBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/username", CommandDirectory, Needs(P::UsersAdminister), "directory",
            "Gives a user another name." => c::rename)
        .takes::<c::UsernameBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/roles", CommandDirectory, Needs(P::UsersAdminister), "directory",
            "Sets a user's roles." => c::set_roles)
        .takes::<c::RolesBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/password", CommandDirectory, Needs(P::UsersAdminister), "directory",
            "Sets a user's password." => c::set_password)
        .takes::<c::NewPasswordBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/disabled", CommandDirectory, Needs(P::UsersModerate), "directory",
            "Disables or enables a user; admins are for admins." => c::set_disabled)
        .takes::<c::DisabledBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(PUT "/users/{user_id}/login_denied", CommandDirectory, Needs(P::UsersModerate), "directory",
            "Denies or allows a user to log in; admins are for admins." => c::set_login_denied)
        .takes::<c::LoginDeniedBody>(Media::Json)
        .answers::<UserView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(DELETE "/users/{user_id}", CommandDirectory, Needs(P::UsersAdminister), "directory",
            "Deletes a user; their name on tickets stays." => users::delete)
        .scopes(DIRECTORY_WRITE),
    ]
}

fn employees<Of: Program>() -> Vec<Row<Of>> {
    vec![
        route!(POST "/employees", CommandDirectory, Needs(P::EmployeesWrite), "directory", "Registers an employee." =>
            employees::register)
        .takes::<employees::EmployeeBody>(Media::Json)
        .answers::<EmployeeView<'static>>(201)
        .scopes(DIRECTORY_WRITE),
        route!(GET "/employees", QueryDirectory, Needs(P::EmployeesRead), "directory", "Lists employees." =>
            employees::list)
        .parameters(q::EMPLOYEES)
        .pages::<EmployeeView<'static>>()
        .scopes(DIRECTORY_READ),
        route!(GET "/employees/{employee_id}", QueryDirectory, Needs(P::EmployeesRead), "directory",
            "Shows an employee." => employees::get)
        .answers::<EmployeeView<'static>>(200)
        .scopes(DIRECTORY_READ),
        route!(PUT "/employees/{employee_id}", CommandDirectory, Needs(P::EmployeesWrite), "directory",
            "Sets an employee's whole record." => employees::replace)
        .takes::<employees::EmployeeBody>(Media::Json)
        .answers::<EmployeeView<'static>>(200)
        .scopes(DIRECTORY_WRITE),
        route!(DELETE "/employees/{employee_id}", CommandDirectory, Needs(P::EmployeesWrite), "directory",
            "Deletes an employee; their name on tickets stays." => employees::delete)
        .scopes(DIRECTORY_WRITE),
    ]
}

fn authentication<Of: Program>() -> Vec<Row<Of>> {
    vec![
        route!(POST "/token", Identity, Public, "authentication", "Issues an access token." => token::issue)
            .takes::<token::TokenForm>(Media::Form)
            .answers::<token::TokenView<'static>>(200),
        route!(POST "/token/revoke", Identity, Public, "authentication",
            "Takes an access token, or a refresh token with its session, back (RFC 7009)." => token::revoke)
        .takes::<token::TokenNameForm>(Media::Form)
        .empties(),
        route!(POST "/token/introspect", Identity, Public, "authentication",
            "Tells a service account what a token is worth (RFC 7662)." => token::introspect)
        .takes::<token::TokenNameForm>(Media::Form)
        .answers::<token::IntrospectionView>(200),
        route!(GET "/me", Identity, Authenticated, "authentication", "Shows the caller." => session::me)
            .answers::<session::MeView<'static>>(200),
        route!(GET "/whoami", Identity, Authenticated, "authentication",
            "Shows the claims as the authorizer handed them over." => session::whoami)
        .answers::<std::collections::BTreeMap<String, String>>(200),
        route!(PUT "/me/password", Identity, Authenticated, "authentication", "Sets the caller's own password." =>
            session::set_password)
        .takes::<session::OwnPasswordBody>(Media::Json)
        .answers::<UserView<'static>>(200),
        route!(GET "/status", Identity, Authenticated, "authentication", "Tells how the caller and the token stand." =>
            session::status)
        .answers::<session::StatusView>(200),
        route!(GET "/.well-known/openid-configuration", Identity, Public, "authentication",
            "Describes the built-in issuer (OpenID Connect Discovery 1.0)." => documents::discovery)
        .answers::<serde_json::Map<String, serde_json::Value>>(200)
        .also_at_root(),
        route!(GET "/.well-known/jwks.json", Identity, Public, "authentication",
            "Publishes the built-in issuer's keys (RFC 7517)." => documents::jwks)
        .answers::<serde_json::Map<String, serde_json::Value>>(200)
        .also_at_root(),
    ]
}

fn service_accounts<Of: Program>() -> Vec<Row<Of>> {
    use clients as c;
    vec![
        route!(POST "/clients", Identity, Needs(P::Administer), "authentication",
            "Makes a service account; its secret is in this answer alone." => c::create)
        .takes::<c::NewClientBody>(Media::Json)
        .answers::<c::ClientView<'static>>(201)
        .scopes(ADMIN),
        route!(GET "/clients", Identity, Needs(P::Administer), "authentication", "Lists service accounts." => c::list)
            .parameters(q::HISTORY)
            .pages::<c::ClientView<'static>>()
            .scopes(ADMIN),
        route!(GET "/clients/{client_id}", Identity, Needs(P::Administer), "authentication",
            "Shows a service account." => c::get)
        .answers::<c::ClientView<'static>>(200)
        .scopes(ADMIN),
        route!(DELETE "/clients/{client_id}", Identity, Needs(P::Administer), "authentication",
            "Deletes a service account; its tokens end at once." => c::delete)
        .scopes(ADMIN),
        route!(POST "/clients/{client_id}/rotate-secret", Identity, Needs(P::Administer), "authentication",
            "Gives a service account another secret, which is in this answer alone." => c::rotate_secret)
        .answers::<c::ClientView<'static>>(200)
        .scopes(ADMIN),
        route!(GET "/clients/{client_id}/history", Identity, Needs(P::Administer), "authentication",
            "Lists what happened to a service account, deleted ones too, oldest first." => c::history)
        .pages::<c::ClientEntryView<'static>>()
        .scopes(ADMIN),
    ]
}

fn operations<Of: Program>() -> Vec<Row<Of>> {
    vec![
        route!(GET "/health", Identity, Public, "operations", "Tells that the desk answers." => operations::health)
            .answers::<operations::HealthView>(200)
            .also_at_root(),
        route!(GET "/ready", Operations, Public, "operations", "Tells which part is not ready." => operations::ready)
            .answers::<operations::ReadyView>(200)
            .also_at_root(),
        route!(GET "/admin/routes", Identity, Needs(P::Administer), "operations", "Lists every route." =>
            operations::routes)
        .answers::<operations::RoutesView<'static>>(200)
        .scopes(ADMIN),
        route!(GET "/admin/audit", Operations, Needs(P::Administer), "operations",
            "Tells what was appended and has not arrived in the read models." => operators::audit)
        .answers::<operators::AuditView>(200)
        .scopes(ADMIN),
        route!(GET "/admin/dead-letters", Operations, Needs(P::Administer), "operations",
            "Lists what consumers have given up." => operators::dead_letters)
        .parameters(q::DEAD_LETTERS)
        .answers::<operators::LettersView<'static>>(200)
        .scopes(ADMIN),
        route!(POST "/admin/dead-letters/{letter_id}/retry", Operations, Needs(P::Administer), "operations",
            "Has a consumer receive a dead letter again." => operators::retry)
        .answers::<operators::OutcomeView>(200)
        .scopes(ADMIN),
        route!(GET "/admin/projections", QueryTicket, Needs(P::Administer), "operations",
            "Tells how the read models stand: generations, what waits, replays." => projections::list)
        .answers::<projections::ProjectionsView>(200)
        .scopes(ADMIN),
        route!(GET "/openapi.json", Identity, Public, "documentation", "Describes the API (OpenAPI 3.1)." =>
            documents::openapi)
        .answers::<serde_json::Map<String, serde_json::Value>>(200),
        route!(GET "/docs", Identity, Public, "documentation", "Shows the API, to read and to try." =>
            documents::docs_page)
        .other("text/html"),
        route!(GET "/docs/oauth2-redirect", Identity, Public, "documentation", "Ends a login of the documentation." =>
            documents::docs_redirect)
        .parameters(q::REDIRECT)
        .other("text/html"),
        route!(GET "/docs/{asset}", Identity, Public, "documentation", "Serves a file of the documentation." =>
            documents::docs_asset)
        .other("*/*"),
    ]
}
