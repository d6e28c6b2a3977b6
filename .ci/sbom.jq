# A bill of materials (CycloneDX 1.5) of what is compiled into the program.
# Input: `cargo metadata`; $lock: the text of Cargo.lock; $time: seconds since 1970; $toolchain: what it is
# built with.

def purl: "pkg:cargo/\(.name)@\(.version)";

(.packages | INDEX(.id)) as $package
| (.resolve.nodes | INDEX(.id)) as $node
| (.workspace_members[] | select($package[.].name == "blip-slack")) as $root
| ($lock | [scan("name = \"([^\"]+)\"\nversion = \"([^\"]+)\"\nsource = [^\n]+\nchecksum = \"([0-9a-f]{64})\"")]
    | map({key: "\(.[0])@\(.[1])", value: .[2]}) | from_entries) as $checksum
# What a crate is linked with; what only builds or tests it is not in the program.
| def linked: [
    .deps[]
    | select(any(.dep_kinds[]; .kind == null)) | .pkg
    | select(any($package[.].targets[].kind[]; . == "proc-macro") | not)
  ];
{found: [], next: [$root]}
| until(.next == []; .found += .next
    | .found as $found
    | .next |= ([.[] | $node[.] | linked[]] | unique - $found))
| (.found | sort_by($package[.].name, $package[.].version)) as $found
| def component: $package[.] | {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl: purl
  }
  + if .description then {description: (.description | gsub("\\s+"; " ") | sub("^ | $"; ""; "g"))} else {} end
  + if .license then {licenses: [{expression: (.license | gsub("/"; " OR "))}]} else {} end
  + ($checksum["\(.name)@\(.version)"] as $sum
    | if $sum then {hashes: [{alg: "SHA-256", content: $sum}]} else {} end)
  + if .repository then {externalReferences: [{type: "vcs", url: .repository}]} else {} end;
{
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: {
    timestamp: ($time | todate),
    properties: [{name: "rustc", value: $toolchain}],
    component: ($root | component | .type = "application")
  },
  components: [$found[] | select(. != $root) | component],
  dependencies: [$found[] | {ref: ($package[.] | purl), dependsOn: ([$node[.] | linked[] | $package[.] | purl] | unique)}]
}
