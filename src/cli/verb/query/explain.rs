//! How a query was answered, for `--explain`: which way it took, what it cost, how certain its answer is.

use huedb::query::{AccessPath, Answer, BestPer};

use crate::cli::context::command::Context;
use crate::output::{self, duration};

/// Says it on the standard error.
pub(super) fn explain(context: &mut Context, answer: &Answer, best_per: Option<&BestPer>) {
    let (facts, costs, timing) = (&answer.facts, &answer.plan.costs, &answer.timing);
    let filtered = if facts.filtered { "the filter keeps" } else { "no filter:" };
    let cost = |microseconds: f64| {
        if microseconds.is_finite() { format!("{:.1} ms", microseconds / 1000.0) } else { "closed".into() }
    };
    let certainty = match (answer.plan.way, facts.recall) {
        (AccessPath::Graph, Some(recall)) => {
            format!("approximate: it found {:.1} % of the nearest when it was built", recall * 100.0)
        }
        (AccessPath::Graph, None) => "approximate: its recall was not measured".to_owned(),
        (AccessPath::Clusters, _) => format!(
            "approximate: it found {:.1} % of the nearest when it was built",
            facts.clusters.and_then(|clusters| clusters.levels[0].recall).unwrap_or(0.0) * 100.0
        ),
        (AccessPath::Sketch, _) => "exact but for a row in 4,000 that signs may miss at the edge".to_owned(),
        (AccessPath::Remote, _) if !facts.exact => "as near as its own index finds them, ranked again here".to_owned(),
        (AccessPath::Nothing | AccessPath::Rows | AccessPath::Scan | AccessPath::Remote, _) => "exact".to_owned(),
    };
    let questions = output::count_of(facts.questions as u64, "question");
    let plan = if answer.plan.way == AccessPath::Remote {
        // How many a filter keeps, and what each way costs, the place knows and does not tell.
        vec![format!("plan: remote, {certainty} ({questions}, {})", output::count_of(facts.rows, "record"))]
    } else {
        vec![
            format!(
                "plan: {}, {certainty} ({filtered} {} of {}, {questions}, graph of {})",
                answer.plan.way,
                output::count(facts.candidates),
                output::count_of(facts.rows, "record"),
                output::count(facts.graph_rows)
            ),
            format!(
                "expected: rows {}, scan {}, sketch {}, clusters {}, graph {}",
                cost(costs.rows),
                cost(costs.scan),
                cost(costs.sketch),
                cost(costs.clusters),
                cost(costs.graph)
            ),
        ]
    };
    let took = format!(
        "took: filter {}, candidates {}, rank {} (ranked {}), read {}",
        duration(timing.filter),
        duration(timing.candidates),
        duration(timing.rank),
        output::count_of(answer.ranked, "row"),
        duration(timing.read)
    );
    let thinned = answer.thinned.map(|thinned| {
        let value =
            best_per.map(|per| format!("{} of the same {per} as a better one, ", output::count(thinned.same_value)));
        format!(
            "thinned: of {} left out {}{}",
            output::count_of(thinned.looked_at, "hit"),
            value.unwrap_or_default(),
            output::count_of(thinned.near_duplicates, "near-duplicate")
        )
    });
    for line in plan.into_iter().chain([took]).chain(thinned) {
        context.printer.notice(line);
    }
}
