//! Messages on a stream: bytes up to the end of the stream, at most one more than their bound.

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{request_response, StreamProtocol};
use std::io;

/// Reads and writes whole messages as bytes. What is longer than the bound is cut one byte behind it, and refused where
/// it is decoded: an error here would not be told to anybody, and who sent it would go unpunished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounded {
    pub request: usize,
    pub answer: usize,
}

async fn read(io: &mut (impl AsyncRead + Unpin + Send), most: usize) -> io::Result<Vec<u8>> {
    let one_more = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    // The buffer grows with what arrives, not with what is announced.
    io.take(one_more).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl request_response::Codec for Bounded {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.answer).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        // The stream is closed behind it: that is the end of the message.
        io.write_all(&bytes).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}
