//! The order in which people did what waits, whatever the order in which Slack told of it
//! (`slack.md` B.1 promises none).

use crate::handlers::slack_time::happened_at;
use crate::store::{Item, Source};

/// Puts what people did in Slack in the order of Slack's time, on the places that it has among what
/// else waits. What was begun goes on first, and what has no time stays where it is.
pub(crate) fn sort_by_slack_time(items: &mut [Item]) {
    if items.iter().filter(|item| item.source != Source::Blip).count() < 2 {
        return;
    }
    let times = items.iter().map(slack_sort_key).collect::<Vec<_>>();
    let places = (0..items.len()).filter(|place| times.get(*place).is_some_and(Option::is_some));
    let places: Vec<usize> = places.collect();
    let mut order: Vec<usize> = places.clone();
    order.sort_by_key(|place| times.get(*place).copied());
    if order == places {
        return;
    }
    let sorted: Vec<Item> = order.iter().filter_map(|from| items.get(*from).cloned()).collect();
    for (place, item) in places.into_iter().zip(sorted) {
        if let Some(there) = items.get_mut(place) {
            *there = item;
        }
    }
}

/// Whether it can wait, and when it was done.
fn slack_sort_key(item: &Item) -> Option<(bool, i64)> {
    Some((!item.has_begun_calls, happened_at(item)?.to_micros()?))
}
