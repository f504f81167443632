"""The rules that `conformance.check` applies, as data: bindings, reference targets, invariants, profiles."""
