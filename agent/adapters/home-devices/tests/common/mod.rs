//! What listens in tests, and how long it waits.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

pub mod broker;
pub mod modbus;
pub mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use wattpool_home_devices::{listen, Device, Listener, Said};

/// No test waits longer for a word.
pub const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub enum Word {
    Said(usize, Said),
    Trouble(usize, String),
    Refused(usize, String),
}

struct Tell(UnboundedSender<Word>);

impl Listener for Tell {
    fn said(&self, device: usize, said: Said) {
        let _ = self.0.send(Word::Said(device, said));
    }
    fn trouble(&self, device: usize, why: &str) {
        let _ = self.0.send(Word::Trouble(device, why.to_owned()));
    }
    fn refused(&self, device: usize, why: &str) {
        let _ = self.0.send(Word::Refused(device, why.to_owned()));
    }
}

/// Devices that are listened to.
pub struct Ear {
    words: UnboundedReceiver<Word>,
    _tasks: JoinSet<()>,
}

/// A device, as the configuration has it.
pub fn device(text: &str) -> Device {
    let device: Device = toml::from_str(text).unwrap_or_else(|e| panic!("{e}"));
    device.check().unwrap();
    device
}

impl Ear {
    pub fn new(devices: &[Device]) -> Self {
        let (tell, words) = unbounded_channel();
        let listener = Arc::new(Tell(tell)) as Arc<dyn Listener>;
        let tasks = listen(devices, &listener).unwrap();
        Self {
            words,
            _tasks: tasks,
        }
    }

    pub async fn word(&mut self) -> Word {
        let next = tokio::time::timeout(LONGEST, self.words.recv()).await;
        next.unwrap_or_else(|_| panic!("nothing was heard"))
            .unwrap()
    }

    /// The next word of which this makes something.
    pub async fn until<T>(&mut self, mut take: impl FnMut(&Word) -> Option<T>) -> T {
        let mut heard = Vec::new();
        let found = tokio::time::timeout(LONGEST, async {
            loop {
                let word = self.words.recv().await.unwrap();
                if let Some(found) = take(&word) {
                    return found;
                }
                heard.push(word);
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("not heard in {heard:?}"),
        }
    }

    /// Import and export register of the next word that has one of them.
    pub async fn registers(&mut self) -> (Option<u64>, Option<u64>) {
        self.until(|word| match word {
            Word::Said(_, said) => {
                let wh = |r: Option<wattpool_meter_codec::Register>| r.map(|r| r.wh.0);
                Some((wh(said.reading.import), wh(said.reading.export)))
            }
            _ => None,
        })
        .await
    }

    pub async fn trouble(&mut self) -> String {
        self.until(|word| match word {
            Word::Trouble(_, why) => Some(why.clone()),
            _ => None,
        })
        .await
    }
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}
