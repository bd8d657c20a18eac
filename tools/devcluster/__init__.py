"""A real Kubernetes control plane, and the programs around it, for tests and demonstrations; without containers.

`ControlPlane` runs etcd, kube-apiserver and kube-controller-manager as child processes on loopback ports,
`ExternalDns` runs the real ExternalDNS, `Kubectl` calls kubectl, and `TcpProxy` cuts one client off from its server.
The programs are found or built by `binaries`. Nothing in here knows about SES or the operator.
"""
