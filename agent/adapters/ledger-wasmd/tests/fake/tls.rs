//! HTTPS: who is believed to be a node.

use crate::node::{settings, Node};
use rcgen::{generate_simple_self_signed, CertifiedKey};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;
use wattpool_ledger_wasmd::rpc::Pin;
use wattpool_ledger_wasmd::Client;

/// Puts a certificate of its own before a node. Its address, and the certificate in both forms.
async fn encrypted(node: &Node) -> (String, Pin, String) {
    let CertifiedKey { cert, key_pair } =
        generate_simple_self_signed(vec!["node.example".to_owned()]).unwrap();
    let pin = Pin::of(cert.der());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key_pair.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let to = node.url.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else {
                    return;
                };
                let mut plain = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    (url, pin, cert.pem())
}

#[tokio::test]
async fn a_node_with_the_named_certificate_is_believed_and_a_man_in_the_middle_is_not() {
    let node = Node::start().await;
    let (url, pin, pem) = encrypted(&node).await;
    let mut settings = settings(&[&node]);
    settings.rpc = vec![url];
    // As a fingerprint or as a file, the certificate is the same.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pem).unwrap();
    assert_eq!(Pin::read(file.path()), Ok(vec![pin]));
    settings.certificates = vec![Pin::parse(&pin.to_string()).unwrap()];
    let client = Client::connect(settings.clone()).await.unwrap();
    client.rpc().block(3).await.unwrap();
    // Somebody else stands between, with a certificate of the same name.
    let (middle, other, _) = encrypted(&node).await;
    settings.rpc = vec![middle.clone()];
    let asked = node.chain().asked.len();
    let error = Client::connect(settings.clone()).await.err().unwrap();
    let said = format!("{middle}: cannot connect: unexpected error: its certificate {other} is none of those named for it");
    assert!(error.to_string().contains(&said), "{error}");
    // Without a named one the system's authorities decide, who do not know it.
    settings.certificates = Vec::new();
    let error = Client::connect(settings.clone())
        .await
        .err()
        .unwrap()
        .to_string();
    let plain = ["invalid peer certificate: UnknownIssuer", "ca-certificates"];
    assert!(plain.iter().any(|text| error.contains(text)), "{error}");
    assert_eq!(
        node.chain().asked.len(),
        asked,
        "nothing reached the node over it"
    );
    // Another node is gone on with.
    settings.certificates = vec![pin];
    settings.rpc.push(node.url.clone());
    let client = Client::connect(settings).await.unwrap();
    client.rpc().block(3).await.unwrap();
}

#[test]
fn certificates_that_are_none_are_named() {
    let colons = vec!["AB"; 32].join(":");
    assert_eq!(Pin::parse(&colons), Ok(Pin([0xAB; 32])));
    assert!(Pin::parse("ab")
        .unwrap_err()
        .contains("expected 64 hexadecimal digits"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Pin::read(file.path()).unwrap_err();
    assert!(
        error.contains("expected a certificate in PEM, found none"),
        "{error}"
    );
}
