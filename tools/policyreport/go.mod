module ses-operator.io/tools/policyreport

go 1.24

require github.com/kyverno/kyverno v1.13.4
