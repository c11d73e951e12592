//! Where of a drawing points lie together, and where there is room for a name.
//!
//! Invariant: every point is in one place, and the place is of the class that most of its points have.

use std::collections::HashMap;

use super::point_map::{Frame, PointMap};
use crate::output::{count_of, width};

/// Points of one place that are named when the pointer is over it.
const NAMED: usize = 3;
/// Pixels of a letter of a name, and of a line.
const LETTER: f64 = 8.2;
const LINE: f64 = 17.0;

/// Points that are drawn as one.
pub(super) struct Place {
    /// Pixels of the drawing.
    pub(super) at: [f64; 2],
    /// The class and the index of each.
    members: Vec<(usize, usize)>,
}

/// Returns the places of each class, in the order their points are drawn.
pub(super) fn places(map: &PointMap, frame: &Frame) -> Vec<Vec<Place>> {
    let classes = map.legend.classes();
    let mut places: Vec<Place> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (class, (_, members)) in classes.iter().enumerate() {
        for (index, point) in members.iter().filter_map(|index| Some((*index, map.points.get(*index)?))) {
            let at = frame.place(point.at);
            // As exact as it is drawn.
            let place = *known.entry(format!("{:.1} {:.1}", at[0], at[1])).or_insert(places.len());
            match places.get_mut(place) {
                Some(place) => place.members.push((class, index)),
                None => places.push(Place { at, members: vec![(class, index)] }),
            }
        }
    }
    let mut of_classes: Vec<Vec<Place>> = classes.iter().map(|_| Vec::new()).collect();
    for place in places {
        if let Some(of_class) = of_classes.get_mut(place.class()) {
            of_class.push(place);
        }
    }
    of_classes
}

impl Place {
    /// Returns the class that most of its points have, the last of several: the rarer is drawn later.
    fn class(&self) -> usize {
        let of = |class: usize| self.members.iter().filter(|(other, _)| *other == class).count();
        let runs = self.members.chunk_by(|a, b| a.0 == b.0).filter_map(|run| run.first());
        runs.map(|(class, _)| *class).max_by_key(|class| of(*class)).unwrap_or_default()
    }

    /// Returns how large it is drawn: twice as many points add a third, up to four times the size.
    pub(super) fn radius(&self, one: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let more = (self.members.len() as f64).log2() / 3.0;
        (one * (1.0 + more).min(4.0) * 100.0).round() / 100.0
    }

    /// Returns what is said of it.
    pub(super) fn hover(&self, map: &PointMap) -> Vec<String> {
        let texts = self.members.iter().filter_map(|(_, index)| map.points.get(*index));
        let all = self.members.len();
        let mut lines = Vec::new();
        if all > 1 {
            lines.push(format!("{} at this place", count_of(all as u64, "record")));
        }
        lines.extend(texts.take(NAMED).flat_map(|point| point.hover.lines()).map(str::to_owned));
        if all > NAMED {
            lines.push(format!("and {} more", all - NAMED));
        }
        lines
    }
}

/// Returns where the middle of a name may stand, at its place or a little above or below, and takes the room.
pub(super) fn free(taken: &mut Vec<[f64; 4]>, frame: &Frame, [x, y]: [f64; 2], name: &str) -> Option<[f64; 2]> {
    #[expect(clippy::cast_precision_loss, reason = "a width of a few hundred pixels")]
    let half = width::width(name) as f64 * LETTER / 2.0;
    if 2.0 * half > frame.right - frame.left {
        return None;
    }
    let x = x.clamp(frame.left + half, frame.right - half);
    let box_at = |y: f64| [x - half, y - LINE + 5.0, x + half, y + 4.0];
    let overlaps = |a: &[f64; 4], b: &[f64; 4]| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    let fits = |y: &f64| {
        let room = box_at(*y);
        *y >= frame.top + LINE && *y <= frame.bottom - 4.0 && !taken.iter().any(|other| overlaps(other, &room))
    };
    let y = [0.0, LINE, -LINE, 2.0 * LINE, -2.0 * LINE].into_iter().map(|by| y + by).find(fits)?;
    taken.push(box_at(y));
    Some([x, y])
}
