//! Frames out of a stream of bytes, in whatever pieces it comes.

use crate::telegram::Telegram;

/// Why bytes of a meter were left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// They begin no frame.
    #[error("{0} bytes belong to no frame")]
    Noise(usize),
    /// A frame has begun and does not end.
    #[error("no end within {0} bytes, the longest a {1} may be")]
    TooLong(usize, &'static str),
    /// The next frame begins before this one has ended, or the input ends.
    #[error("{0} is cut off: {1}")]
    CutOff(&'static str, String),
    /// Its check does not fit what arrived.
    #[error("{name} is wrong: it says {said:0width$X}, computed {computed:0width$X}")]
    Check {
        /// Of which check.
        name: &'static str,
        /// What the frame says.
        said: u16,
        /// What its bytes give.
        computed: u16,
        /// Hexadecimal digits to show.
        width: usize,
    },
    /// A part of it is not what it must be.
    #[error("{place}: {problem}")]
    Malformed {
        /// Where in the frame.
        place: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// It is encrypted, and cannot be opened.
    #[error("encrypted: {0}")]
    Locked(String),
    /// Nothing in it is of use for metering electricity.
    #[error("no register or power of electricity in it")]
    NothingOfUse,
}

impl Problem {
    /// A part that is not what it must be.
    pub fn malformed(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Malformed {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

/// Bytes that were left out, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {problem}")]
pub struct Refused {
    /// Where the frame or the noise begins, counted from the stream's beginning.
    pub offset: u64,
    /// Why.
    pub problem: Problem,
}

/// What stands at the beginning of a buffer.
#[derive(Debug)]
pub enum Step {
    /// Not yet enough to say.
    More,
    /// A frame of so many bytes.
    Frame(usize, Box<Telegram>),
    /// So many bytes of a telegram in several frames, taken in; whether they are its first.
    Part(usize, bool),
    /// So many bytes to leave out: these are the frame's, or the noise's.
    Bad(usize, Problem),
}

/// How a format's frames are found. Each call looks at the bytes from one place on.
pub trait Frames {
    /// The longest frame, bytes: no more than this is ever kept.
    const LONGEST: usize;
    /// What a frame is called.
    const NAME: &'static str;

    /// Takes what stands at the beginning of the bytes; with `last`, nothing follows them.
    fn step(&mut self, bytes: &[u8], last: bool) -> Step;

    /// How many bytes at the beginning can belong to no frame.
    fn noise(&self, bytes: &[u8]) -> usize;

    /// Forgets what was gathered of a frame in parts.
    fn forget(&mut self) {}
}

/// A meter's bytes on their way in.
#[derive(Debug)]
pub struct Stream<F> {
    frames: F,
    buffer: Vec<u8>,
    /// Bytes before the buffer.
    before: u64,
    /// Where a telegram in several frames begins.
    begun: Option<u64>,
    ended: bool,
}

impl<F: Frames> Stream<F> {
    /// A stream of which nothing has arrived.
    pub const fn new(frames: F) -> Self {
        Self {
            frames,
            buffer: Vec::new(),
            before: 0,
            begun: None,
            ended: false,
        }
    }

    /// Bytes that arrived. Call [`Self::next`] until there is nothing more before the next push: what is pushed is
    /// kept until then.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Nothing follows: what is unfinished is told by [`Self::next`].
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// A gap in time: what has begun does not go on.
    pub fn broken(&mut self) -> Option<Refused> {
        self.frames.forget();
        let length = self.buffer.len();
        if length == 0 {
            return None;
        }
        let offset = self.before;
        self.drop_front(length);
        let problem = Problem::CutOff(
            F::NAME,
            format!("nothing followed its first {length} bytes"),
        );
        Some(Refused { offset, problem })
    }

    /// The next frame, or the next bytes that are none.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Telegram, Refused>> {
        loop {
            let noise = self.frames.noise(&self.buffer);
            if noise > 0 {
                let offset = self.before;
                let only_padding = self.buffer.iter().take(noise).all(|b| is_padding(*b));
                self.drop_front(noise);
                if !only_padding {
                    let problem = Problem::Noise(noise);
                    return Some(Err(Refused { offset, problem }));
                }
                continue;
            }
            if self.buffer.is_empty() {
                return None;
            }
            let offset = self.before;
            // What lies beyond the longest frame must not decide: it may come in the next piece.
            let view = self.buffer.get(..F::LONGEST).unwrap_or(&self.buffer);
            let last = self.ended && view.len() == self.buffer.len();
            match self.frames.step(view, last) {
                Step::Frame(used, mut telegram) => {
                    telegram.offset = self.begun.take().unwrap_or(offset);
                    self.drop_front(used);
                    return Some(Ok(*telegram));
                }
                Step::Part(used, first) => {
                    if first {
                        self.begun = Some(offset);
                    }
                    self.drop_front(used);
                }
                Step::Bad(used, problem) => {
                    self.frames.forget();
                    self.begun = None;
                    self.drop_front(used);
                    return Some(Err(Refused { offset, problem }));
                }
                Step::More if self.buffer.len() > F::LONGEST => {
                    self.frames.forget();
                    self.drop_front(1);
                    let problem = Problem::TooLong(F::LONGEST, F::NAME);
                    // What stands behind the false beginning may be a frame.
                    let more = self.frames.noise(&self.buffer);
                    self.drop_front(more);
                    return Some(Err(Refused { offset, problem }));
                }
                Step::More if self.ended => {
                    self.frames.forget();
                    let length = self.buffer.len();
                    self.drop_front(1);
                    let more = self.frames.noise(&self.buffer);
                    self.drop_front(more);
                    let problem =
                        Problem::CutOff(F::NAME, format!("the input ends {length} bytes into it"));
                    return Some(Err(Refused { offset, problem }));
                }
                Step::More => return None,
            }
        }
    }

    fn drop_front(&mut self, bytes: usize) {
        let bytes = bytes.clamp(0, self.buffer.len());
        self.buffer.drain(..bytes);
        self.before = self
            .before
            .saturating_add(u64::try_from(bytes).unwrap_or(0));
        if self.buffer.is_empty() && self.buffer.capacity() > F::LONGEST.saturating_mul(2) {
            self.buffer = Vec::new();
        }
    }
}

/// Line ends, flags and zeros between frames are not worth a word.
const fn is_padding(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x7E)
}
