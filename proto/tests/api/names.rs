//! Names of types, as text and as links.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

const WELL_KNOWN: &str = "https://protobuf.dev/reference/protobuf/google.protobuf/#";

/// What links lead to; the same wherever Markdown is shown.
pub fn anchor(full: &str) -> String {
    format!("<a id=\"{full}\"></a>")
}

/// `.billing.v1.Charge` → `[Charge](#billing.v1.Charge)`.
pub fn link(full: &str) -> String {
    let full = full.trim_start_matches('.');
    let own = full.split('.').skip_while(|part| !part.starts_with(char::is_uppercase));
    let name = own.collect::<Vec<_>>().join(".");
    if full.starts_with("google.protobuf.") {
        return format!("[{name}]({WELL_KNOWN}{})", name.to_lowercase());
    }
    format!("[{name}](#{full})")
}

/// The type of a field of `message`.
pub fn of_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let name = of_type(field);
    if field.label() == Label::Repeated {
        if let Some([key, value]) = map_of(message, field) {
            return format!("map of {} to {}", of_type(key), of_type(value));
        }
        return format!("list of {name}");
    }
    if field.proto3_optional() {
        return format!("{name}, optional");
    }
    match field.oneof_index {
        Some(index) => {
            let group = &message.oneof_decl[usize::try_from(index).unwrap()];
            format!("{name}, one of *{}*", group.name())
        }
        None => name,
    }
}

/// Key and value, where the field is a map.
fn map_of<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'a [FieldDescriptorProto; 2]> {
    let name = field.type_name().rsplit('.').next()?;
    let entry = message.nested_type.iter().find(|nested| nested.name() == name)?;
    let is_map = entry.options.as_ref().is_some_and(|options| options.map_entry());
    entry.field.as_slice().try_into().ok().filter(|_| is_map)
}

fn of_type(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum | Type::Group => link(field.type_name()),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

#[test]
fn names_are_short_and_lead_to_the_full_ones() {
    assert_eq!(link(".billing.v1.ChargeRequest"), "[ChargeRequest](#billing.v1.ChargeRequest)");
    assert_eq!(link(".billing.v1.Funding.Part"), "[Funding.Part](#billing.v1.Funding.Part)");
    assert!(link(".google.protobuf.Duration").ends_with("#duration)"));
}
