# Who may do what: the default matrix (access.toml) as a policy, to copy and change. The desk asks for
# data.<package>.allow, and nothing but true opens a door. The input:
#
#   method     the route's method: "PUT"
#   path       as it came: "/api/v1/tickets/17/status"
#   route      as the API's description has it: "/api/v1/tickets/{ticket_id}/status"
#   principal  {"id", "roles", "groups", "scopes"}
#   resource   {"permission": "tickets.move", "ticket_id": "17"}: what the matrix would look up, and the path's parameters
#   jwt        {"tokenValue"}: the token, verified already
#
# Some permissions are asked for besides the route's, with "#" and the permission behind path and route: messages.internal,
# messages.retract_any, tickets.history_deleted, and users.administer where an admin is to be changed.
#
# Whatever a policy says, the guards of the desk hold: an employee reaches only what is theirs, and the last admin stays.
package eventdesk.authz

default allow := false

allow if {
	some role in input.principal.roles
	role in roles[input.resource.permission]
}

roles := {
	"users.administer": {"admin"},
	"users.read": {"admin", "manager"},
	"users.moderate": {"admin", "manager"},
	"employees.write": {"admin", "manager"},
	"employees.read": {"admin", "manager", "support", "employee"},
	"tickets.open": {"admin", "manager", "support", "employee"},
	"tickets.read": {"admin", "manager", "support", "employee"},
	"tickets.write": {"admin", "manager", "support"},
	"tickets.move": {"admin", "manager", "support", "employee"},
	"tickets.delete": {"admin", "manager", "support"},
	"tickets.history": {"admin", "manager", "support"},
	"tickets.history_deleted": {"admin"},
	"messages": {"admin", "manager", "support", "employee"},
	"messages.internal": {"admin", "manager", "support"},
	"messages.retract_any": {"admin", "manager"},
	"administer": {"admin"},
}
