//! The settings of where traces go, by the names that OpenTelemetry gives them.

use secrecy::SecretString;

use super::declare::{or_empty, settings, with_default};
use super::parse;
use super::variable::ValueForm::Words;
use super::variable::ValuePrivacy::Secret;
use super::variable::{VariableGroup, variable};

settings! {
    /// Where traces go, by the names that OpenTelemetry has for it.
    #[derive(Clone, Debug)]
    pub struct TracesConfig {
        table TRACES_TABLE {
            /// The base address of a collector, without a slash at its end.
            pub endpoint: String =
                with_default(parse::parse_collector_url),
                variable(VariableGroup::Service, "OTEL_EXPORTER_OTLP_ENDPOINT")
                    .means("Where traces go: a collector of OpenTelemetry (OTLP over HTTP). The program must be built with the feature otlp")
                    .form(Words("an http or https address without a path to traces"), "http://localhost:4318");
            /// What is sent along.
            pub headers: Vec<(String, SecretString)> =
                or_empty(parse::parse_headers),
                variable(VariableGroup::Service, "OTEL_EXPORTER_OTLP_HEADERS")
                    .means("What the collector wants to see with them, such as a key")
                    .form(Words("a comma list of name=value, with values percent-encoded"), "x-api-key=your-key")
                    .privacy(Secret);
            /// The name under which they are shown.
            pub service: String =
                with_default(parse::parse_service_name),
                variable(VariableGroup::Service, "OTEL_SERVICE_NAME")
                    .means("The name under which traces are shown")
                    .form(Words("a name"), "blip-slack")
                    .default("blip-slack");
        }
    }
}
