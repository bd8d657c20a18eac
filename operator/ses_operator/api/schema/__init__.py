"""The manifests that the apiserver needs, made from the models: CustomResourceDefinitions and admission policies."""
