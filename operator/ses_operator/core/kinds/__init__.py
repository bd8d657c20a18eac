"""The kinds as the cluster has them: their fields, and the versions in etcd. Pure."""
