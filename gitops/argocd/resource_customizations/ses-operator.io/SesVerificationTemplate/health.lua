-- The health of a SesVerificationTemplate: what its conditions say, once they are about the spec that stands.

local ready, stalled
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      ready = condition
    elseif condition.type == "Stalled" then
      stalled = condition
    end
  end
end

if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not looked at it yet."}
end
if ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
if stalled ~= nil then
  return {status = "Degraded", message = ready.message}
end
return {status = "Progressing", message = ready.message}
