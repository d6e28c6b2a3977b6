//! TLS as `sslmode` asks for it (<https://www.postgresql.org/docs/current/libpq-ssl.html>).

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::PostgresFault;

/// How a server is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers: only listening in is kept out.
    Anybody,
    /// Whoever has a certificate by one of these authorities.
    Authority(Roots),
    /// Who besides has the name that was asked for.
    Name(Roots),
}

/// Whose signature makes the server's certificate one to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the system.
    System,
    /// Those in a file.
    File(PathBuf),
}

/// What makes connections secret.
pub(super) fn build_connector(trust: &Trust) -> Result<MakeRustlsConnect, PostgresFault> {
    let provider = Arc::new(ring::default_provider());
    let refuse = |error: String| PostgresFault::Address(format!("TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?;
    let config = match trust {
        Trust::Name(roots) => builder.with_root_certificates(load_roots(roots)?),
        Trust::Anybody | Trust::Authority(_) => {
            let verifier = match trust {
                Trust::Authority(roots) => Some(
                    WebPkiServerVerifier::builder_with_provider(
                        Arc::new(load_roots(roots)?),
                        Arc::clone(&provider),
                    )
                    .build()
                    .map_err(|error| refuse(error.to_string()))?,
                ),
                Trust::Anybody | Trust::Name(_) => None,
            };
            let verifier = Arc::new(NamelessVerifier { verifier, provider });
            // `verify-ca` asks for no name and `require` for no authority, which rustls leaves to a
            // verifier of one's own.
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn load_roots(roots: &Roots) -> Result<RootCertStore, PostgresFault> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            // One odd certificate among the system's must not keep out all others.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::File(path) => {
            let refuse = |error: &dyn std::fmt::Display| {
                PostgresFault::Address(format!("sslrootcert: {}: {error}", path.display()))
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| refuse(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| refuse(&error))?;
                store.add(certificate).map_err(|error| refuse(&error))?;
            }
        }
    }
    if store.is_empty() {
        return Err(PostgresFault::Address(
            "there is no root certificate to compare the server's with: give one with sslrootcert"
                .to_owned(),
        ));
    }
    Ok(store)
}

/// Asks for a certificate by one of the authorities, if there are any, and for no name.
#[derive(Debug)]
struct NamelessVerifier {
    verifier: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for NamelessVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(verifier) = &self.verifier else { return Ok(ServerCertVerified::assertion()) };
        let verified =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is compared last.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
