//! billing-svc
