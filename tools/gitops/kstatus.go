package main

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// kstatus computes the status of an object as Flux and Helm do that wait for it.
func kstatus(object unstructured.Unstructured) (any, error) {
	result, err := status.Compute(&object)
	if err != nil {
		return nil, err
	}
	return map[string]string{"status": result.Status.String(), "message": result.Message}, nil
}
