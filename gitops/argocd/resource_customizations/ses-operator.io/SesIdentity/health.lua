-- The health of a SesIdentity: what its conditions say, once they are about the spec that stands.

-- Nobody should wait for these: mail that was signed is so no more, or SES has given up after 72 hours.
local failures = {VerificationRevoked = true, VerificationFailed = true}

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local ready = conditions["Ready"]
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not looked at it yet."}
end
if obj.spec.suspend then
  return {status = "Suspended", message = ready.message}
end
if ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
if conditions["Stalled"] ~= nil or failures[ready.reason] then
  return {status = "Degraded", message = ready.message}
end
return {status = "Progressing", message = ready.message}
