//! Meters that push bytes: over a serial line, or over TCP from the usual network adapters.

use crate::address::{LineSettings, Wire};
use crate::source::{Pauses, Source};
use serial2_tokio::{CharSize, Parity, SerialPort, Settings, StopBits};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wattpool_meter_codec::{Frames, Stream};

/// A frame that has begun goes on within this.
const GAP: Duration = Duration::from_secs(5);
/// After so many gaps a connection is given up: the other side may be gone without a word.
const SILENT_GAPS: u32 = 24;
/// Longest time for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Something that bytes come from and go to.
pub(crate) trait Link: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Link for T {}

pub(crate) async fn open(wire: &Wire) -> io::Result<Box<dyn Link>> {
    match wire {
        Wire::Serial(path, line) => Ok(Box::new(serial(path, *line)?)),
        Wire::Tcp(host, port) => {
            let connecting = TcpStream::connect((host.as_str(), *port));
            let stream = timeout(CONNECT, connecting)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            Ok(Box::new(stream))
        }
    }
}

fn serial(path: &Path, line: LineSettings) -> io::Result<SerialPort> {
    SerialPort::open(path, |mut settings: Settings| {
        settings.set_raw();
        settings.set_baud_rate(line.baud)?;
        settings.set_char_size(if line.bits == 7 {
            CharSize::Bits7
        } else {
            CharSize::Bits8
        });
        settings.set_parity(match line.parity {
            'E' => Parity::Even,
            'O' => Parity::Odd,
            _ => Parity::None,
        });
        settings.set_stop_bits(if line.stop == 2 {
            StopBits::Two
        } else {
            StopBits::One
        });
        Ok(settings)
    })
}

/// Reads frames for ever.
pub(crate) async fn run<F: Frames>(source: Source, wire: Wire, frames: impl Fn() -> F) {
    let mut pauses = Pauses::default();
    loop {
        match open(&wire).await {
            Ok(link) => {
                let why = read(&source, link, Stream::new(frames()), &mut pauses).await;
                source.trouble(&format!("{wire}: {why}"));
            }
            Err(why) => source.trouble(&format!("{wire}: {why}")),
        }
        pauses.wait().await;
    }
}

async fn read<F: Frames>(
    source: &Source,
    mut link: Box<dyn Link>,
    mut stream: Stream<F>,
    pauses: &mut Pauses,
) -> String {
    let mut buffer = [0u8; 1024];
    let mut gaps = 0u32;
    loop {
        match timeout(GAP, link.read(&mut buffer)).await {
            Ok(Ok(0)) => return "the other side has closed the connection".into(),
            Ok(Ok(length)) => {
                gaps = 0;
                stream.push(buffer.get(..length).unwrap_or(&[]));
                while let Some(next) = stream.next() {
                    match next {
                        Ok(telegram) => {
                            pauses.well();
                            source.telegram(telegram);
                        }
                        Err(refused) => source.refused(&refused),
                    }
                }
            }
            Ok(Err(why)) => return why.to_string(),
            Err(_) => {
                if let Some(refused) = stream.broken() {
                    source.refused(&refused);
                }
                gaps = gaps.saturating_add(1);
                if gaps >= SILENT_GAPS {
                    let seconds = GAP.as_secs().saturating_mul(u64::from(gaps));
                    return format!("nothing was said for {seconds} s");
                }
            }
        }
    }
}
