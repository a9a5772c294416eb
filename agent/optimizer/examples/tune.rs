#![allow(clippy::all, missing_docs)]
use std::collections::BTreeMap;
use std::io::BufRead;
use wattpool_optimizer::predict::*;
fn main() {
    for name in std::env::args().skip(1) {
        let f =
            std::io::BufReader::new(std::fs::File::open(format!("/tmp/h-{name}.json")).unwrap());
        let mut by: BTreeMap<(u64, u64), Vec<(String, Kind, Conditions, Outcome)>> =
            BTreeMap::new();
        for l in f.lines() {
            let v: serde_json::Value = serde_json::from_str(&l.unwrap()).unwrap();
            let e = &v["e"];
            by.entry((v["seed"].as_u64().unwrap(), v["buyer"].as_u64().unwrap()))
                .or_default()
                .push((
                    e["seller"].as_str().unwrap().to_owned(),
                    serde_json::from_value(e["kind"].clone()).unwrap(),
                    serde_json::from_value(e["conditions"].clone()).unwrap(),
                    serde_json::from_value(e["outcome"].clone()).unwrap(),
                ));
        }
        for kind in [Kind::Spot, Kind::Forward] {
            let mut sums = [[0.0f64; 4]; 4]; // model mean last sellermean x brier, logloss, mae
            let mut n = [0.0f64; 2];
            for h in by.values() {
                let ids: BTreeMap<&String, u32> = h
                    .iter()
                    .map(|x| &x.0)
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .zip(0..)
                    .collect();
                let mut p = Predictor::new(
                    Priors {
                        quality: 0.95,
                        duration_s: 10.0,
                    },
                    Priors {
                        quality: 0.95,
                        duration_s: 4500.0,
                    },
                );
                let d0 = if kind == Kind::Spot { 10.0 } else { 4500.0 };
                let (mut qs, mut qn) = (0.95, 1.0);
                let (mut ds, mut dn) = (d0, 1.0);
                let mut last: BTreeMap<u32, f64> = BTreeMap::new();
                let mut dlast: BTreeMap<u32, f64> = BTreeMap::new();
                let mut sm: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
                for (s, k, c, o) in h.iter().filter(|x| x.1 == kind) {
                    let id = ids[s];
                    let e = p.expect(&id, *k, c);
                    let m = qs / qn;
                    let l = last.get(&id).copied().unwrap_or(m);
                    let own = sm.get(&id).map_or(m, |x| x.0 / x.1);
                    for (i, q) in [e.quality, m, l, own].into_iter().enumerate() {
                        sums[i][0] += (q - o.quality).powi(2);
                        let c = q.clamp(0.01, 0.99);
                        sums[i][1] -= o.quality * c.ln() + (1.0 - o.quality) * (1.0 - c).ln();
                        sums[i][2] += (q - o.quality).abs();
                    }
                    n[0] += 1.0;
                    qs += o.quality;
                    qn += 1.0;
                    last.insert(id, o.quality);
                    let x = sm.entry(id).or_insert((0.0, 0.0));
                    x.0 += o.quality;
                    x.1 += 1.0;
                    if let Some(d) = o.duration_s {
                        let m = ds / dn;
                        let l = dlast.get(&id).copied().unwrap_or(m);
                        for (i, q) in [e.duration_s, m, l, m].into_iter().enumerate() {
                            sums[i][3] += (q - d).abs();
                        }
                        n[1] += 1.0;
                        ds += d;
                        dn += 1.0;
                        dlast.insert(id, d);
                    }
                    p.learn(id, *k, c, o);
                }
            }
            println!("{name} {kind:?} n {}", n[0]);
            for (i, w) in ["model", "mean", "last", "own mean"].iter().enumerate() {
                println!(
                    "   {w:9} brier {:.5} logloss {:.5} mae {:.5} | dur mae {:.4}",
                    sums[i][0] / n[0],
                    sums[i][1] / n[0],
                    sums[i][2] / n[0],
                    sums[i][3] / n[1]
                );
            }
        }
    }
}
