//! The whole table of who may do what, as it was meant: every action by every role in every scope.

use std::fmt::Write;

use super::*;
use crate::record::NamePattern;

/// Of collection `notes-1` in database `main` of tenant `acme`. `+` is allowed, `f` with the records of the filter alone, `x` is 403 and `-` is 404.
///
/// The columns: nobody; monitor, reader, writer, admin of everything; admin of another tenant, of another database, of another
/// collection; reader, writer, admin of the tenant; reader, writer, admin of `notes-*`; reader, writer of some records.
const TABLE: &str = "
                                     ?mrwa  tdc  rwa  rwa  rw
system:heartbeat                     +++++  +++  +++  +++  ++
system:version                       +++++  +++  +++  +++  ++
system:healthcheck                   +++++  +++  +++  +++  ++
system:pre_flight_checks             +++++  +++  +++  +++  ++
system:openapi                       +++++  +++  +++  +++  ++
system:page                          +++++  +++  +++  +++  ++
system:enter                         +++++  +++  +++  +++  ++
system:v1                            +++++  +++  +++  +++  ++
system:get_user_identity             x++++  +++  +++  +++  ++
collection:get_collection_by_crn     x++++  +++  +++  +++  ++
system:mcp                           x++++  +++  +++  +++  ++
system:metrics                       x+xx+  xxx  xxx  xxx  xx
system:reset                         xxxx+  xxx  xxx  xxx  xx
system:info                          xx+++  xxx  xxx  xxx  xx
system:backup                        xxxx+  xxx  xxx  xxx  xx
tenant:create_tenant                 xxxx+  xxx  xxx  xxx  xx
tenant:update_tenant                 --xx+  -+x  xx+  xxx  xx
tenant:get_tenant                    --+++  -++  +++  +++  ++
db:list_databases                    --+++  -++  +++  +++  ++
db:create_database                   --xx+  -+x  xx+  xxx  xx
db:get_database                      --+++  --+  +++  +++  ++
db:delete_database                   --xx+  --x  xx+  xxx  xx
db:list_collections                  --+++  --+  +++  +++  ++
db:count_collections                 --+++  --+  +++  +++  ++
db:create_collection                 --x++  --+  x++  x++  xx
collection:get_collection            --+++  ---  +++  +++  ff
collection:update_collection         --x++  ---  x++  x++  xx
collection:delete_collection         --xx+  ---  xx+  xx+  xx
collection:fork_collection           --x++  ---  x++  x++  xx
collection:count_forks               --+++  ---  +++  +++  ff
collection:index                     --x++  ---  x++  x++  xx
collection:add                       --x++  ---  x++  x++  xx
collection:update                    --x++  ---  x++  x++  xx
collection:upsert                    --x++  ---  x++  x++  xx
collection:delete                    --x++  ---  x++  x++  xf
collection:get                       --+++  ---  +++  +++  ff
collection:count                     --+++  ---  +++  +++  ff
collection:query                     --+++  ---  +++  +++  ff
collection:search                    --+++  ---  +++  +++  ff
collection:attach_function           --x++  ---  x++  x++  xx
collection:get_attached_function     --+++  ---  +++  +++  ff
collection:detach_function           --x++  ---  x++  x++  xx
";

fn grant(role: Role, tenant: &str, database: &str, collection: &str, filter: Option<&str>) -> Grant {
    let pattern = |text: &str| NamePattern::parse(text).unwrap();
    let filter = filter.map(str::to_owned);
    Grant { role, tenant: pattern(tenant), database: pattern(database), collection: pattern(collection), filter }
}

const TARGET: Resource = Resource { tenant: Some("acme"), database: Some("main"), collection: Some("notes-1") };

fn columns() -> Vec<Vec<Grant>> {
    let everywhere = Role::ALL.map(|role| vec![Grant::everywhere(role)]);
    let elsewhere = [("beta", "*", "*"), ("acme", "other", "*"), ("acme", "main", "letters")];
    let elsewhere = elsewhere.map(|(t, d, c)| vec![grant(Role::Admin, t, d, c, None)]);
    let roles = [Role::Reader, Role::Writer, Role::Admin];
    let of_tenant = roles.map(|role| vec![grant(role, "acme", "*", "*", None)]);
    let of_collection = roles.map(|role| vec![grant(role, "acme", "ma*", "notes-*", None)]);
    let of_records = [Role::Reader, Role::Writer].map(|role| vec![grant(role, "*", "*", "*", Some("user = 'ann'"))]);
    [vec![Vec::new()], everywhere.into(), elsewhere.into(), of_tenant.into(), of_collection.into(), of_records.into()]
        .concat()
}

#[test]
fn the_whole_table() {
    let mut lines = TABLE.lines().skip(2);
    let mut wrong = String::new();
    for action in Action::ALL {
        let line = lines.next().unwrap();
        let (name, expected) = line.split_once(' ').unwrap();
        assert_eq!(name, action.name());
        let expected: String = expected.chars().filter(|c| !c.is_whitespace()).collect();
        let found: String = columns()
            .iter()
            .map(|grants| match decide(grants, *action, TARGET) {
                Decision::Allowed => '+',
                Decision::Filtered(filters) => {
                    assert_eq!(filters, ["user = 'ann'"]);
                    'f'
                }
                Decision::Forbidden => 'x',
                Decision::Hidden => '-',
            })
            .collect();
        if found != expected {
            writeln!(wrong, "{name}: {found}, not {expected}").unwrap();
        }
    }
    assert_eq!(lines.next(), None);
    assert!(wrong.is_empty(), "{wrong}");
}

/// A collection that does not exist is answered as one that is hidden, to whoever may see some of them only.
#[test]
fn nobody_learns_whether_a_hidden_collection_exists() {
    let absent = Resource { collection: None, ..TARGET };
    for role in [Role::Reader, Role::Writer, Role::Admin] {
        let other = [grant(role, "acme", "main", "letters", None)];
        for action in Action::ALL.iter().filter(|action| matches!(action.level(), Level::Collection | Level::Records)) {
            assert_eq!(decide(&other, *action, absent), decide(&other, *action, TARGET));
            assert_eq!(decide(&other, *action, absent), Decision::Hidden);
        }
    }
}

#[test]
fn of_several_grants_the_widest_counts_and_filters_add_up() {
    let some = |filter: &str| grant(Role::Reader, "acme", "*", "notes-*", Some(filter));
    let (ann, bob) = (some("user = 'ann'"), some("user = 'bob'"));
    let both = decide(&[ann.clone(), bob], Action::Get, TARGET);
    assert_eq!(both, Decision::Filtered(vec!["user = 'ann'".into(), "user = 'bob'".into()]));
    let all = grant(Role::Reader, "acme", "*", "*", None);
    assert_eq!(decide(&[ann.clone(), all.clone()], Action::Get, TARGET), Decision::Allowed);
    // Whoever reads all may not for that delete what another grant lets delete a part of.
    let deletes = grant(Role::Writer, "acme", "*", "*", Some("user = 'ann'"));
    let delete = decide(&[all, deletes], Action::Delete, TARGET);
    assert_eq!(delete, Decision::Filtered(vec!["user = 'ann'".into()]));
    // A grant of another collection hides nothing of this one, and allows nothing.
    let letters = grant(Role::Admin, "acme", "main", "letters", None);
    assert_eq!(decide(&[ann, letters], Action::DeleteCollection, TARGET), Decision::Forbidden);
}
