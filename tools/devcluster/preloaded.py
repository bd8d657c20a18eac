"""The imports of the fork server, made once: the operator, and the service models that its first calls to AWS read."""

import ses_operator.app
import ses_operator.cli.run  # noqa: F401 - imported to be there
from ses_operator.aws.catalog import shared_loader

for _service in ("sesv2", "ses", "route53", "sts"):
    for _type in ("service-2", "endpoint-rule-set-1"):
        shared_loader().load_service_model(_service, _type)
for _name in ("endpoints", "partitions", "sdk-default-configuration"):
    shared_loader().load_data(_name)
