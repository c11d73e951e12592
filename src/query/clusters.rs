//! Points of a plane that lie together, and the words that tell their records from the others.
//!
//! Lloyd's k-means with the seeding of k-means++ (Arthur and Vassilvitskii 2007). A word tells the more, the more records of a
//! cluster have it and the fewer others do: its share inside times the logarithm of how many times that is its share
//! outside, which is the word's part of what the cluster and the rest differ by (Kullback and Leibler). Invariant: the same
//! points and texts give the same clusters and words, on every run.

use std::collections::{BTreeMap, HashMap};

use super::sample::Draw;
use crate::bm25::Words;

/// Fewer points need no names.
const LEAST_POINTS: usize = 12;
/// More names than these hide the points.
const MOST_CLUSTERS: usize = 12;
/// Rounds of k-means at the most.
const ROUNDS: usize = 100;
/// Words of a name.
const WORDS: usize = 3;
/// How many times as frequent as elsewhere a word is that tells anything.
const MORE: f64 = 1.5;
/// Bytes of a text that are read: what it is about stands at its beginning.
const MOST_BYTES: usize = 4000;

/// Points that lie together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Their mean.
    pub centre: [f64; 2],
    /// How many they are.
    pub points: usize,
    /// The words that tell them from the others, the most telling first, lower case, at most three; none where no word is
    /// shared by two of them and tells anything.
    pub words: Vec<String>,
}

/// Finds clusters, and counts the words of the texts that belong to their points.
#[derive(Debug)]
pub struct Clusters {
    /// The cluster of each point.
    of: Vec<usize>,
    centres: Vec<[f64; 2]>,
    sizes: Vec<usize>,
    terms: HashMap<u32, Term>,
}

#[derive(Debug)]
struct Term {
    /// In how many texts of each cluster it stands.
    texts: Vec<u32>,
    /// How it was written, and how often.
    forms: BTreeMap<String, u32>,
}

impl Clusters {
    /// Finds the clusters of some points, about as many as half the square root of half their number, at most twelve; none
    /// of less than twelve points.
    #[must_use]
    pub fn of(points: &[[f64; 2]]) -> Self {
        let none = Self { of: Vec::new(), centres: Vec::new(), sizes: Vec::new(), terms: HashMap::new() };
        if points.len() < LEAST_POINTS {
            return none;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 2 to 12")]
        #[expect(clippy::cast_precision_loss, reason = "a few clusters")]
        let wanted = ((points.len() as f64 / 2.0).sqrt() / 2.0).round().clamp(2.0, MOST_CLUSTERS as f64) as usize;
        let mut centres = seeds(points, wanted);
        let mut of = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..ROUNDS {
            let found: Vec<usize> = points.iter().map(|point| nearest(&centres, *point).0).collect();
            if found == of {
                break;
            }
            of = found;
            (centres, sizes) = means(points, &of, &centres);
        }
        Self { of, centres, sizes, terms: HashMap::new() }
    }

    /// Counts the words of the text that belongs to a point.
    pub fn read(&mut self, point: usize, text: &str) {
        let Some(cluster) = self.of.get(point).copied() else { return };
        let text = text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or(text);
        let mut seen: Vec<u32> = Vec::new();
        for (place, term) in Words::places(text) {
            let form = text.get(place).unwrap_or_default();
            // Numbers tell nobody what a text is about.
            if seen.contains(&term) || form.chars().count() < 2 || !form.contains(char::is_alphabetic) {
                continue;
            }
            seen.push(term);
            let clusters = self.centres.len();
            let counted =
                self.terms.entry(term).or_insert_with(|| Term { texts: vec![0; clusters], forms: BTreeMap::new() });
            if let Some(texts) = counted.texts.get_mut(cluster) {
                *texts += 1;
            }
            *counted.forms.entry(form.to_lowercase()).or_default() += 1;
        }
    }

    /// Returns the clusters with their words, the largest first.
    #[must_use]
    pub fn named(&self) -> Vec<Cluster> {
        let all = self.of.len();
        let named = |cluster: usize| {
            let (centre, points) = (*self.centres.get(cluster)?, *self.sizes.get(cluster)?);
            let mut telling: Vec<(f64, &str)> =
                self.terms.values().filter_map(|term| term.tells(cluster, points, all - points)).collect();
            telling.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            let words = telling.into_iter().take(WORDS).map(|(_, word)| word.to_owned()).collect();
            (points > 0).then_some(Cluster { centre, points, words })
        };
        let mut clusters: Vec<Cluster> = (0..self.centres.len()).filter_map(named).collect();
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.points));
        clusters
    }
}

impl Term {
    /// Returns how much it tells of a cluster of so many texts beside so many others, and the word; `None` where it is about
    /// as frequent elsewhere, or in one text alone.
    fn tells(&self, cluster: usize, inside: usize, outside: usize) -> Option<(f64, &str)> {
        let here = *self.texts.get(cluster)?;
        let there = self.texts.iter().sum::<u32>() - here;
        #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
        let [inside, outside] = [inside as f64, outside as f64];
        // As if each had stood in half a text more, so that no share is none.
        let [within, beyond] = [(f64::from(here) + 0.5) / (inside + 1.0), (f64::from(there) + 0.5) / (outside + 1.0)];
        let commonest = self.forms.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        (here > 1 && within > MORE * beyond)
            .then(|| (within * (within / beyond).ln(), commonest.map_or("", |(form, _)| form)))
    }
}

fn distance([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    (a - c).powi(2) + (b - d).powi(2)
}

/// Returns which centre is nearest to a point, and the square of how far that is.
fn nearest(centres: &[[f64; 2]], point: [f64; 2]) -> (usize, f64) {
    let distances = centres.iter().map(|centre| distance(*centre, point)).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::INFINITY))
}

/// Draws points to begin with, each the likelier the farther it is from those before it; fewer where fewer differ.
fn seeds(points: &[[f64; 2]], wanted: usize) -> Vec<[f64; 2]> {
    let mut draw = Draw::new(0);
    let first = usize::try_from(draw.below(points.len() as u64)).unwrap_or_default();
    let mut seeds: Vec<[f64; 2]> = points.get(first).copied().into_iter().collect();
    while seeds.len() < wanted {
        let far: Vec<f64> = points.iter().map(|point| nearest(&seeds, *point).1).collect();
        let sum: f64 = far.iter().sum();
        if sum <= 0.0 || !sum.is_finite() {
            break;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share is needed only nearly")]
        let mut left = draw.next() as f64 / u64::MAX as f64 * sum;
        let passed = far.iter().position(|far| {
            left -= far;
            left <= 0.0 && *far > 0.0
        });
        let last = || far.iter().rposition(|far| *far > 0.0);
        seeds.extend(passed.or_else(last).and_then(|at| points.get(at)).copied());
    }
    seeds
}

/// Returns the mean of each cluster and how many points it has; one that has none stays where it is.
fn means(points: &[[f64; 2]], of: &[usize], centres: &[[f64; 2]]) -> (Vec<[f64; 2]>, Vec<usize>) {
    let mut sums = vec![([0.0, 0.0], 0_usize); centres.len()];
    for ([x, y], cluster) in points.iter().zip(of) {
        if let Some(([sum_x, sum_y], count)) = sums.get_mut(*cluster) {
            (*sum_x, *sum_y, *count) = (*sum_x + x, *sum_y + y, *count + 1);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    let mean = |(([x, y], count), centre): (&([f64; 2], usize), &[f64; 2])| match count {
        0 => *centre,
        count => [x / *count as f64, y / *count as f64],
    };
    (sums.iter().zip(centres).map(mean).collect(), sums.iter().map(|(_, count)| *count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    /// Three heaps of points with words of their own and words that all have.
    fn heaps(random: &mut Random) -> (Vec<[f64; 2]>, Vec<String>) {
        let heaps = [([0.0, 0.0], "whales"), ([10.0, 0.0], "taxes"), ([0.0, 10.0], "planets")];
        let mut points = Vec::new();
        let mut texts = Vec::new();
        for n in 0..120 {
            let ([x, y], word) = heaps[n % 3];
            let jitter = random.floats(2);
            points.push([x + f64::from(jitter[0]), y + f64::from(jitter[1])]);
            texts.push(format!("Something about {word} and other things, number {n} of 1999"));
        }
        (points, texts)
    }

    fn named(points: &[[f64; 2]], texts: &[String]) -> Vec<Cluster> {
        let mut clusters = Clusters::of(points);
        for (at, text) in texts.iter().enumerate() {
            clusters.read(at, text);
        }
        clusters.named()
    }

    #[test]
    fn heaps_are_named_by_the_words_that_only_they_have() {
        let mut random = Random::new();
        let (points, texts) = heaps(&mut random);
        let found = named(&points, &texts);
        assert_eq!(found.iter().map(|cluster| cluster.points).sum::<usize>(), 120);
        for cluster in &found {
            let expected = match cluster.centre {
                [x, _] if x > 5.0 => "taxes",
                [_, y] if y > 5.0 => "planets",
                _ => "whales",
            };
            assert_eq!(cluster.words.first().map(String::as_str), Some(expected), "{found:?}");
            assert!(!cluster.words.iter().any(|word| ["something", "other", "1999"].contains(&word.as_str())));
        }
        assert!(found.is_sorted_by_key(|cluster| std::cmp::Reverse(cluster.points)));
        assert_eq!(found, named(&points, &texts));
    }

    #[test]
    fn each_point_is_in_the_cluster_whose_centre_is_nearest() {
        let mut random = Random::new();
        for points in [12, 50, 400, 3000] {
            let points: Vec<[f64; 2]> =
                (0..points).map(|_| random.floats(2)).map(|at| [f64::from(at[0]), f64::from(at[1])]).collect();
            let found = Clusters::of(&points);
            assert!((2..=MOST_CLUSTERS).contains(&found.centres.len()));
            for (point, cluster) in points.iter().zip(&found.of) {
                let (_, least) = nearest(&found.centres, *point);
                assert!(distance(found.centres[*cluster], *point) <= least + 1e-9);
            }
        }
    }

    #[test]
    fn few_equal_and_far_points_have_clusters_or_none() {
        assert!(Clusters::of(&[]).named().is_empty());
        assert!(Clusters::of(&[[1.0, 2.0]; 11]).named().is_empty());
        let equal = Clusters::of(&[[1.0, 2.0]; 30]).named();
        assert_eq!(equal, [Cluster { centre: [1.0, 2.0], points: 30, words: Vec::new() }]);
        let far: Vec<[f64; 2]> = (0..30).map(|n| [f64::from(n) * 1e300, -1e300]).collect();
        assert!(Clusters::of(&far).named().iter().all(|cluster| cluster.points > 0));
    }
}
