//! The whole document, from descriptors.

use std::collections::BTreeSet;
use std::fmt::Write;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
};

use crate::comments::{Comments, ENUMS, MESSAGES, NESTED, PACKAGE, PARTS, SERVICES, place};
use crate::names::{anchor, link, of_field};
use crate::words::{cell, failures, paragraphs};

pub const COMMAND: &str = "UPDATE_API=1 cargo test -p proto --test api";

/// What callers use first comes first; each with the heading of what its file is about beside services.
const ORDER: [(&str, &str); 11] = [
    ("billing/v1/billing_service.proto", ""),
    ("billing/v1/payment_service.proto", ""),
    ("billing/v1/promotion_service.proto", ""),
    ("billing/v1/event_service.proto", ""),
    ("billing/v1/admin_service.proto", ""),
    ("billing/v1/resources.proto", "Users, operations, prices"),
    ("billing/v1/payments.proto", "Payments"),
    ("billing/v1/errors.proto", "Errors"),
    ("images/v1/image_service.proto", ""),
    ("gateway/v1/delivery_service.proto", ""),
    ("google/type/money.proto", ""),
];
const PREFIX: &str = "ERROR_REASON_";

pub fn document(set: &FileDescriptorSet) -> String {
    let files = ORDER.map(|(name, title)| {
        let found = set.file.iter().find(|file| file.name() == name);
        (found.unwrap_or_else(|| panic!("{name} is not compiled")), title)
    });
    for file in &set.file {
        let known = ORDER.iter().any(|(name, _)| *name == file.name());
        let well_known = file.package() == "google.protobuf";
        assert!(known || well_known, "{} has no place in the order", file.name());
    }
    let mut text = head(&files);
    let mut package = "";
    for (file, title) in &files {
        if file.package() != package {
            package = file.package();
            writeln!(text, "## {package}\n").unwrap();
        }
        let comments = Comments::of(file);
        if !title.is_empty() {
            writeln!(text, "### {title}\n").unwrap();
            told(&mut text, comments.at(&[PACKAGE]));
        }
        for (index, named) in file.service.iter().enumerate() {
            service(&mut text, package, named, &comments, place(index), &reasons(file, set));
        }
        for (index, named) in file.message_type.iter().enumerate() {
            message(&mut text, &format!("{package}."), named, &comments, &[MESSAGES, place(index)]);
        }
        for (index, named) in file.enum_type.iter().enumerate() {
            values(&mut text, package, named, &comments, place(index));
        }
    }
    format!("{}\n", text.trim_end())
}

fn head(files: &[(&FileDescriptorProto, &str)]) -> String {
    let mut text = format!(
        "# API reference\n\n\
         Generated from the contracts in `proto/` by `{COMMAND}`; a test compares them. Write into the `.proto` files, \
         not here.\n\n\
         How to call is in `docs/integration.md`, with programs that do. Four things hold everywhere:\n\n\
         - A write may be repeated after any failure, with the same `request_id`: it happens once.\n\
         - A refusal is a gRPC status with `google.rpc.ErrorInfo` in its details: decide by its `reason`, \
           [listed here](#billing.v1.ErrorReason) without the prefix `{PREFIX}`, never by the message.\n\
         - Money is [Money](#google.type.Money): in JSON `{{\"currency_code\": \"RUB\", \"units\": \"99\", \"nanos\": 900000000}}` is 99.90 ₽. A \
           duration is `\"90s\"`, a time `\"2026-01-31T12:00:00Z\"`, bytes are base64.\n\
         - A field that is not set reads as zero, empty or false, and JSON leaves it out; where that differs from being absent, \
           the type says *optional*.\n\n\
         | service | what it is for |\n|---|---|\n"
    );
    for (file, _) in files {
        let comments = Comments::of(file);
        for (index, service) in file.service.iter().enumerate() {
            let about = paragraphs(comments.at(&[SERVICES, place(index)]));
            let about = about.first().map_or("", String::as_str);
            let package = file.package();
            let name = link(&format!("{package}.{}", service.name()));
            writeln!(text, "| `{package}.`{name} | {about} |").unwrap();
        }
    }
    text.push('\n');
    text
}

/// The errors' reasons of a file's package, without their prefix.
fn reasons(file: &FileDescriptorProto, set: &FileDescriptorSet) -> BTreeSet<String> {
    let of_package = set.file.iter().filter(|other| other.package() == file.package());
    let enums = of_package.flat_map(|file| &file.enum_type);
    let values = enums.filter(|named| named.name() == "ErrorReason").flat_map(|named| &named.value);
    values.filter_map(|value| value.name().strip_prefix(PREFIX)).map(str::to_owned).collect()
}

fn told(text: &mut String, comment: &str) {
    for paragraph in paragraphs(comment) {
        writeln!(text, "{paragraph}\n").unwrap();
    }
}

fn service(
    text: &mut String,
    package: &str,
    service: &ServiceDescriptorProto,
    comments: &Comments,
    index: i32,
    reasons: &BTreeSet<String>,
) {
    let name = service.name();
    writeln!(text, "### {}{name}\n", anchor(&format!("{package}.{name}"))).unwrap();
    told(text, comments.at(&[SERVICES, index]));
    writeln!(text, "| RPC | takes → answers | what it does | fails |\n|---|---|---|---|").unwrap();
    for (rpc, method) in service.method.iter().enumerate() {
        let (does, fails) = failures(comments.at(&[SERVICES, index, PARTS, place(rpc)]));
        let stream = |streams: bool| if streams { "stream of " } else { "" };
        writeln!(
            text,
            "| **{}** | {}{} → {}{} | {} | {} |",
            method.name(),
            stream(method.client_streaming()),
            link(method.input_type()),
            stream(method.server_streaming()),
            link(method.output_type()),
            cell(&does),
            linked(&cell(&fails), package, reasons),
        )
        .unwrap();
    }
    text.push('\n');
}

/// The reasons in a text lead to what their metadata says.
fn linked(text: &str, package: &str, reasons: &BTreeSet<String>) -> String {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_part) {
        let end = rest[at..].find(|c| !is_part(c)).map_or(rest.len(), |length| at + length);
        let word = &rest[at..end];
        out.push_str(&rest[..at]);
        if reasons.contains(word) {
            write!(out, "[{word}](#{package}.{PREFIX}{word})").unwrap();
        } else {
            out.push_str(word);
        }
        rest = &rest[end..];
    }
    out + rest
}

/// A message, and after it those within it.
fn message(
    text: &mut String,
    outer: &str,
    message: &DescriptorProto,
    comments: &Comments,
    path: &[i32],
) {
    let full = format!("{outer}{}", message.name());
    assert!(message.enum_type.is_empty(), "{full}: enums within messages are not rendered yet");
    writeln!(text, "#### {}{}\n", anchor(&full), short(&full)).unwrap();
    told(text, comments.at(path));
    fields(text, message, comments, path);
    for (index, nested) in message.nested_type.iter().enumerate() {
        let is_map = nested.options.as_ref().is_some_and(|options| options.map_entry());
        if !is_map {
            let path = [path, &[NESTED, place(index)]].concat();
            self::message(text, &format!("{full}."), nested, comments, &path);
        }
    }
}

/// Without its package.
fn short(full: &str) -> &str {
    full.find(char::is_uppercase).map_or(full, |at| &full[at..])
}

fn fields(text: &mut String, message: &DescriptorProto, comments: &Comments, path: &[i32]) {
    if message.field.is_empty() {
        writeln!(text, "No fields.\n").unwrap();
        return;
    }
    writeln!(text, "| field | type | |\n|---|---|---|").unwrap();
    for (at, field) in message.field.iter().enumerate() {
        let about = cell(comments.at(&[path, &[PARTS, place(at)]].concat()));
        let old = field.options.as_ref().is_some_and(|options| options.deprecated());
        let old = if old { "**Deprecated.** " } else { "" };
        let kind = of_field(message, field);
        writeln!(text, "| `{}` | {kind} | {old}{about} |", field.name()).unwrap();
    }
    text.push('\n');
}

fn values(
    text: &mut String,
    package: &str,
    named: &EnumDescriptorProto,
    comments: &Comments,
    index: i32,
) {
    let name = named.name();
    writeln!(text, "#### {}{name}\n", anchor(&format!("{package}.{name}"))).unwrap();
    told(text, comments.at(&[ENUMS, index]));
    writeln!(text, "| value | number | |\n|---|---|---|").unwrap();
    for (at, value) in named.value.iter().enumerate() {
        let about = cell(comments.at(&[ENUMS, index, PARTS, place(at)]));
        let name = value.name();
        let full = format!("{package}.{name}");
        let target = if name.starts_with(PREFIX) { anchor(&full) } else { String::new() };
        writeln!(text, "| {target}`{name}` | {} | {about} |", value.number()).unwrap();
    }
    text.push('\n');
}
