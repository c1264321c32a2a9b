//! Queries: filters, pages and counts.

use eventdesk_app::ports::{Filter, Hit, Select, Value, ViewSpec};
use mongodb::bson::{Bson, Document, doc};

use crate::{
    fault::{Fault, MongoError},
    form,
    prepare::collection,
    server::{Server, Shape},
};

/// One page.
///
/// A page after a place is two questions, asked at once: what has the same sort value and a greater id, and what has a
/// greater sort value. Each is equalities, one range and an order that an index has, so the server starts at the place
/// and reads what it returns, however many documents share the sort value. One question with the alternatives in it
/// would leave that to the planner's luck.
pub(crate) async fn page(server: &Server, select: &Select, generation: u32) -> Result<Vec<Hit>, Fault> {
    let Select { view, sort, after, limit, .. } = select;
    if *limit == 0 {
        return Ok(Vec::new());
    }
    let name = collection(view, generation);
    let direction = if sort.descending { -1 } else { 1 };
    let part = async |more: Vec<Document>| {
        let shape = Shape {
            projection: Some(form::hit_fields(sort.field)),
            sort: Some(doc! { sort.field: direction, "_id": direction }),
            limit: *limit,
        };
        let found = server.find(&name, matching(&select.filters, more), shape).await?;
        found.iter().map(|stored| form::hit(stored, sort.field)).collect::<Result<Vec<_>, _>>()
    };
    let Some((value, id)) = after else { return Ok(part(Vec::new()).await?) };
    let beyond = if sort.descending { "$lt" } else { "$gt" };
    let tied = part(vec![doc! { sort.field: form::bson(value) }, doc! { "_id": { beyond: id.as_str() } }]);
    let rest = part(vec![doc! { sort.field: { beyond: form::bson(value) } }]);
    let (tied, rest): (Result<_, MongoError>, _) = tokio::join!(tied, rest);
    let mut found = tied?;
    // One that moved on between the two answers is shown where it was first.
    let ties = found.len();
    for hit in rest? {
        if found[..ties].iter().all(|tied| tied.id != hit.id) {
            found.push(hit);
        }
    }
    found.truncate(*limit);
    Ok(found)
}

pub(crate) async fn count(
    server: &Server,
    view: &'static ViewSpec,
    filters: &[Filter],
    generation: u32,
) -> Result<u64, Fault> {
    all_of(server, &collection(view, generation), matching(filters, Vec::new())).await
}

/// How many documents there are, tombstones too.
pub(crate) async fn size(server: &Server, view: &'static ViewSpec, generation: u32) -> Result<u64, Fault> {
    all_of(server, &collection(view, generation), doc! {}).await
}

async fn all_of(server: &Server, collection: &str, condition: Document) -> Result<u64, Fault> {
    let pipeline = vec![doc! { "$match": condition }, doc! { "$group": { "_id": Bson::Null, "count": { "$sum": 1 } } }];
    let groups = server.aggregate(collection, pipeline).await?;
    groups.first().map_or(Ok(0), |group| Ok(counted(group)?))
}

/// One count a value, in one round trip.
pub(crate) async fn count_each(
    server: &Server,
    view: &'static ViewSpec,
    field: &'static str,
    values: &[String],
    filters: &[Filter],
    generation: u32,
) -> Result<Vec<u64>, Fault> {
    let one_of: Vec<_> = values.iter().map(String::as_str).collect();
    let pipeline = vec![
        doc! { "$match": matching(filters, vec![doc! { field: { "$in": one_of } }]) },
        doc! { "$group": { "_id": format!("${field}"), "count": { "$sum": 1 } } },
    ];
    let groups = server.aggregate(&collection(view, generation), pipeline).await?;
    let of = |value: &String| {
        let group = groups.iter().find(|group| group.get_str("_id").is_ok_and(|text| text == value));
        group.map_or(Ok(0), counted)
    };
    Ok(values.iter().map(of).collect::<Result<_, _>>()?)
}

/// A sum is a number of 32 or 64 bits, as it fits.
fn counted(group: &Document) -> Result<u64, MongoError> {
    let count = match group.get("count") {
        Some(Bson::Int32(count)) => i64::from(*count),
        Some(Bson::Int64(count)) => *count,
        _ => return Err(MongoError::Refused("a sum is no whole number".into())),
    };
    u64::try_from(count).map_err(|error| MongoError::Refused(error.into()))
}

/// The condition for all filters, and more conditions, on the living.
fn matching(filters: &[Filter], more: Vec<Document>) -> Document {
    let mut all: Vec<_> = filters.iter().map(condition).collect();
    all.extend(more);
    if all.is_empty() {
        doc! { "deleted": false }
    } else {
        doc! { "deleted": false, "$and": all }
    }
}

fn condition(filter: &Filter) -> Document {
    match filter {
        // Every document has every field: null is never a missing one.
        Filter::Equal(field, value) => doc! { *field: form::bson(value) },
        Filter::OneOf(field, values) => doc! { *field: { "$in": values.iter().map(form::bson).collect::<Vec<_>>() } },
        // Only values of the same kind are compared, so null is neither less nor greater.
        Filter::Less(field, value) => doc! { *field: { "$lt": form::bson(value) } },
        Filter::Greater(field, value) => doc! { *field: { "$gt": form::bson(value) } },
        Filter::Holds(field, text) => doc! { *field: text.as_str() },
        Filter::Contains(field, text) => doc! { *field: { "$regex": literal(text) } },
    }
}

/// A pattern that matches the text itself, wherever it stands.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for sign in text.chars() {
        match sign {
            // Patterns end at a zero byte.
            '\0' => pattern.push_str("\\x00"),
            '\\' | '^' | '$' | '.' | '[' | ']' | '|' | '(' | ')' | '?' | '*' | '+' | '{' | '}' => {
                pattern.push('\\');
                pattern.push(sign);
            }
            _ => pattern.push(sign),
        }
    }
    pattern
}

/// Checks that a count's field holds texts.
pub(crate) fn check_counted(view: &'static ViewSpec, field: &'static str, filters: &[Filter]) -> Result<(), Fault> {
    view.check_filters(filters)?;
    view.check_filters(&[Filter::Equal(field, Value::Text(String::new()))])?;
    Ok(())
}
