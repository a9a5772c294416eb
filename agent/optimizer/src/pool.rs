//! What a search works on: the offers that can be part of a smallest cover, and the best plan found.

// Every index in this module comes from its own loops over the same vectors.
#![allow(clippy::indexing_slicing)]

use crate::score::SCORE_TOLERANCE;

/// The search once the number of sellers is known: choose exactly `k` items that cover `need`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    /// `d`, Wh, above zero.
    pub need: u64,
    /// `1/d`.
    pub scale: f64,
    /// `C_s`.
    pub surplus_weight: f64,
    /// `K*`.
    pub k: usize,
}

/// One offer as the searches see it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Item {
    /// `g`, Wh.
    pub g: u64,
    /// `g/d`.
    pub x: f64,
    /// `v`.
    pub v: f64,
    /// Its part of the upper bound (see `bound`), set when the items are ordered by it.
    pub c: f64,
    /// Position among the caller's candidates.
    pub id: u32,
}

impl Item {
    /// Offers that no score can tell apart.
    pub fn alike(&self, other: &Self) -> bool {
        self.g == other.g && self.v == other.v
    }
}

/// Running sums of a set of sellers, enough to score it: see [`Sums::score`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    /// `Σ g`, Wh.
    pub g: u64,
    /// `Σ g/d`.
    pub x: f64,
    /// `Σ (g/d)·v`.
    pub w: f64,
    /// Least `v`.
    pub least: f64,
}

impl Sums {
    pub const EMPTY: Self = Self {
        g: 0,
        x: 0.0,
        w: 0.0,
        least: f64::INFINITY,
    };

    pub fn with(&self, item: &Item) -> Self {
        Self {
            g: self.g.saturating_add(item.g),
            x: self.x + item.x,
            w: self.w + item.x * item.v,
            least: if item.v < self.least {
                item.v
            } else {
                self.least
            },
        }
    }

    pub fn of<'a, I: IntoIterator<Item = &'a Item>>(items: I) -> Self {
        items
            .into_iter()
            .fold(Self::EMPTY, |sums, item| sums.with(item))
    }

    /// `f(S) = C_s·d/G + [Σ g·v − v_min·(G−d)]/d`: with `K*` sellers all are used in full except the
    /// one of least value, which takes the rest. Holds only for sets that cover the need.
    #[inline]
    pub fn score(&self, task: &Task) -> f64 {
        task.surplus_weight / self.x + self.w - self.least * (self.x - 1.0)
    }
}

/// The best covering set found so far.
#[derive(Clone, Debug)]
pub(crate) struct Best {
    pub score: f64,
    pub items: Vec<Item>,
    /// Sets scored so far.
    pub evaluations: u64,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            score: f64::NEG_INFINITY,
            items: Vec::new(),
            evaluations: 0,
        }
    }
}

impl Best {
    pub fn clear(&mut self) {
        self.score = f64::NEG_INFINITY;
        self.items.clear();
        self.evaluations = 0;
    }

    /// True where `score` is better by more than rounding.
    #[inline]
    pub fn beaten_by(&self, score: f64) -> bool {
        score > self.score + SCORE_TOLERANCE
    }

    /// Scores a set of `task.k` distinct items and keeps it if it covers the need and is better.
    pub fn offer<'a, I>(&mut self, task: &Task, set: I)
    where
        I: IntoIterator<Item = &'a Item> + Clone,
    {
        let sums = Sums::of(set.clone());
        self.evaluations = self.evaluations.saturating_add(1);
        if sums.g < task.need {
            return;
        }
        let score = sums.score(task);
        if self.beaten_by(score) {
            self.replace(score, set.into_iter().copied());
        }
    }

    /// Makes a covering set with its score the incumbent.
    pub fn replace(&mut self, score: f64, set: impl IntoIterator<Item = Item>) {
        self.score = score;
        self.items.clear();
        self.items.extend(set);
    }

    /// Least value among its sellers.
    pub fn least_value(&self) -> f64 {
        Sums::of(&self.items).least
    }
}

/// The items in columns, for the passes that touch all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub g: Vec<u64>,
    pub x: Vec<f64>,
    pub v: Vec<f64>,
    pub id: Vec<u32>,
}

impl Columns {
    pub fn clear(&mut self) {
        self.g.clear();
        self.x.clear();
        self.v.clear();
        self.id.clear();
    }

    pub fn len(&self) -> usize {
        self.x.len()
    }

    pub fn push(&mut self, g: u64, x: f64, v: f64, id: u32) {
        self.g.push(g);
        self.x.push(x);
        self.v.push(v);
        self.id.push(id);
    }

    pub fn item(&self, at: usize) -> Item {
        Item {
            g: self.g[at],
            x: self.x[at],
            v: self.v[at],
            c: 0.0,
            id: self.id[at],
        }
    }

    /// Keeps, in order, the items for which `keep(x, v)` holds.
    pub fn retain(&mut self, keep: impl Fn(f64, f64) -> bool) {
        let mut kept = 0usize;
        for at in 0..self.len() {
            let (x, v) = (self.x[at], self.v[at]);
            self.g[kept] = self.g[at];
            self.x[kept] = x;
            self.v[kept] = v;
            self.id[kept] = self.id[at];
            kept = kept.saturating_add(usize::from(keep(x, v)));
        }
        self.g.truncate(kept);
        self.x.truncate(kept);
        self.v.truncate(kept);
        self.id.truncate(kept);
    }
}
