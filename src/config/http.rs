//! The settings of where the service listens, what it calls through, and how files are passed on.

use std::time::Duration;

use secrecy::SecretString;

use super::declare::{flag, optional, settings, whole, whole_as, with_default};
use super::parse;
use super::reader::SettingsReader;
use super::variable::ValueForm::{Flag, Whole, Words};
use super::variable::{URL_FORM, VariableGroup, variable};

settings! {
    /// Where the service listens and is reached.
    #[derive(Clone, Debug)]
    pub(crate) struct HttpConfig {
        /// What calls to the platforms go through, if there is something.
        part pub(crate) proxy: Option<ProxyConfig> =
            |reader| Some(ProxyConfig::read_settings(reader));
        table HTTP_TABLE {
            /// An IP address or a host name.
            pub(crate) host: String =
                with_default(parse::parse_host),
                variable(VariableGroup::Service, "HOST")
                    .means("The address to listen on")
                    .form(Words("an IP address or a host name"), "0.0.0.0")
                    .default("0.0.0.0");
            /// The port; 0 for any that is free.
            pub(crate) port: u16 =
                whole,
                variable(VariableGroup::Service, "PORT")
                    .means("The port to listen on")
                    .form(Whole(0, 65535), "3000")
                    .default("3000");
            /// The address under which others reach it, without a slash at its end.
            pub(crate) public_url: Option<String> =
                optional(parse::parse_base_url),
                variable(VariableGroup::Service, "PUBLIC_URL")
                    .means("Where others reach the bridge: for files to customers, and for the manifest of the Slack app")
                    .form(URL_FORM, "https://bridge.loja.com");
        }
    }
}

/// A proxy of the system, as the environment names it.
#[derive(Clone, Debug)]
pub(crate) struct ProxyConfig {
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Its address, which may hold a password.
    pub(crate) address: SecretString,
    /// Hosts that are reached without it, with commas between them.
    pub(crate) except: String,
}

impl ProxyConfig {
    /// As other programs read it: small letters first. Nothing that the bridge calls outside this
    /// machine is plain http, so `http_proxy` is none of ours.
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let (variable, value) =
            PROXY_VARIABLES.iter().find_map(|name| Some((*name, reader.read_foreign(name)?)))?;
        let Some(address) = parse::parse_proxy_url(&value) else {
            reader.add_fault(variable, "must be the address of an http proxy, or not set");
            return None;
        };
        reader.add_to_summary(format!("{variable} set"));
        let except = reader.read_foreign("no_proxy").or_else(|| reader.read_foreign("NO_PROXY"));
        Some(Self { variable, address, except: except.unwrap_or_default() })
    }
}

settings! {
    /// How files are passed on.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct MediaConfig {
        table MEDIA_TABLE {
            /// The largest file that is taken over from a customer, in bytes.
            pub(crate) max: u64 =
                whole_as(|megabytes| megabytes << 20),
                variable(VariableGroup::Service, "MEDIA_MAX_MB")
                    .means("The largest file that is taken over from a customer; larger ones are shown as a link")
                    .form(Whole(1, 1000), "100")
                    .default("100");
            /// How long the address of a file that was sent to a customer is good.
            pub(crate) link: Duration =
                whole_as(Duration::from_hours),
                variable(VariableGroup::Service, "MEDIA_LINK_HOURS")
                    .means("How long the address of a file that was sent to a customer is good")
                    .form(Whole(1, 8760), "168")
                    .default("168");
            /// Whether files may also be fetched from this machine.
            pub(crate) allow_loopback: bool =
                // A setting of its own: an address on this machine for Slack or Blip must not open
                // the machine to customers' links as well.
                flag,
                variable(VariableGroup::Service, "MEDIA_ALLOW_LOOPBACK")
                    .means("Whether a customer's file may come from this machine, without encryption: for tests")
                    .form(Flag, "false")
                    .default("false");
        }
    }
}
