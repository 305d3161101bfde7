module macronode/registry-verifier

go 1.22
