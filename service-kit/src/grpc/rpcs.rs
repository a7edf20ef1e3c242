//! The RPCs that a server's descriptors describe: what is named in metrics and traces, a bounded set.

use prost_types::FileDescriptorSet;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rpc {
    /// `billing.v1.BillingService`.
    pub(super) service: String,
    /// `Charge`.
    pub(super) method: String,
}

impl Rpc {
    /// `billing.v1.BillingService/Charge`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.service, self.method)
    }

    /// `/billing.v1.BillingService/Charge`.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name())
    }
}

/// All of them.
pub(super) fn described(set: &FileDescriptorSet) -> impl Iterator<Item = Rpc> {
    set.file.iter().flat_map(|file| {
        file.service.iter().flat_map(|service| {
            let of = format!("{}.{}", file.package(), service.name());
            let methods = service.method.iter();
            methods.map(move |method| Rpc { service: of.clone(), method: method.name().to_owned() })
        })
    })
}
