//! The contracts of Kopilka's services: generated messages, servers and clients.
//!
//! The `.proto` files beside this crate are the reference; their comments give units, limits and failures.
//! [`client`] has a typed client for each service, [`money`] the way from `google.type.Money` to micros and back.

pub mod client;
pub mod money;

/// Descriptors of every file here, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Charges, refunds, balances.
pub mod billing {
    /// Version 1.
    #[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated")]
    pub mod v1 {
        tonic::include_proto!("billing.v1");
    }
}

/// Jobs that make pictures.
pub mod images {
    /// Version 1.
    #[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated")]
    pub mod v1 {
        tonic::include_proto!("images.v1");
    }
}

/// Delivery of results to the user.
pub mod gateway {
    /// Version 1.
    #[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated")]
    pub mod v1 {
        tonic::include_proto!("gateway.v1");
    }
}

/// Google's well-known types that are not in prost-types.
pub mod google {
    /// `google.type`.
    #[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated")]
    pub mod r#type {
        tonic::include_proto!("google.r#type");
    }
}
