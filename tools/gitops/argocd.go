package main

import (
	"context"
	"encoding/json"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/diff"
	gitopshealth "github.com/argoproj/gitops-engine/pkg/health"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// manager is the field manager that Argo CD applies as.
const manager = "argocd-controller"

// customized is an object under customizations, by "group/Kind", as Argo CD reads them from the ConfigMap argocd-cm. Action
// is the name of the action to run, where one is.
type customized struct {
	Object         unstructured.Unstructured         `json:"object"`
	Customizations map[string]appv1.ResourceOverride `json:"customizations"`
	Action         string                            `json:"action"`
}

func (c customized) vm() lua.VM {
	return lua.VM{ResourceOverrides: c.Customizations}
}

// health is what Argo CD shows beside the object.
func health(asked customized) (any, error) {
	return gitopshealth.GetResourceHealth(&asked.Object, lua.ResourceHealthOverrides(asked.Customizations))
}

// actions are those that Argo CD offers for the object.
func actions(asked customized) (any, error) {
	scripts, err := asked.vm().GetResourceActionDiscovery(&asked.Object)
	if err != nil {
		return nil, err
	}
	return asked.vm().ExecuteResourceActionDiscovery(&asked.Object, scripts)
}

// act is what an action makes of the object.
func act(asked customized) (any, error) {
	action, err := asked.vm().GetResourceAction(&asked.Object, asked.Action)
	if err != nil {
		return nil, err
	}
	impacted, err := asked.vm().ExecuteResourceAction(&asked.Object, action.ActionLua, nil)
	if err != nil {
		return nil, err
	}
	objects := make([]map[string]any, len(impacted))
	for number, each := range impacted {
		objects[number] = each.UnstructuredObj.Object
	}
	return objects, nil
}

// compared is an object as Git has it and as the cluster has it. Predicted is what the apiserver says that an apply of the
// first would make of the second; where it is given, the diff is the server-side one.
type compared struct {
	Wanted    unstructured.Unstructured  `json:"wanted"`
	Live      unstructured.Unstructured  `json:"live"`
	Predicted *unstructured.Unstructured `json:"predicted"`
}

// dryRun stands for the apiserver, which was asked before.
type dryRun struct{ predicted *unstructured.Unstructured }

func (d dryRun) Run(context.Context, *unstructured.Unstructured, string) (string, error) {
	text, err := json.Marshal(d.predicted.Object)
	return string(text), err
}

// difference says whether Argo CD would call the object out of sync, and what it would then show.
func difference(asked compared) (any, error) {
	options := []diff.Option{diff.WithLogr(logr.Discard())}
	if asked.Predicted != nil {
		// The stricter of its two: what webhooks would change counts as a difference, too.
		options = append(options, diff.WithServerSideDiff(true), diff.WithIgnoreMutationWebhook(false),
			diff.WithManager(manager), diff.WithServerSideDryRunner(dryRun{asked.Predicted}))
	}
	result, err := diff.Diff(&asked.Wanted, &asked.Live, options...)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"modified":  result.Modified,
		"live":      json.RawMessage(result.NormalizedLive),
		"predicted": json.RawMessage(result.PredictedLive),
	}, nil
}
