//! Compiles the `.proto` files with protox: no `protoc` to install.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 10] = [
    "billing/v1/admin_service.proto",
    "billing/v1/billing_service.proto",
    "billing/v1/errors.proto",
    "billing/v1/event_service.proto",
    "billing/v1/payment_service.proto",
    "billing/v1/payments.proto",
    "billing/v1/promotion_service.proto",
    "billing/v1/resources.proto",
    "gateway/v1/delivery_service.proto",
    "images/v1/image_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for directory in ["billing", "gateway", "images", "google"] {
        println!("cargo:rerun-if-changed={directory}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
