-- wrk -s verify.lua URL -- LENGTH [HEADER: VALUE]: each response must be a 200 with a body of LENGTH bytes.
local threads = {}
local wanted

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    wanted = tonumber(arguments[1])
    wrong = 0
    if arguments[2] then
        local name, value = arguments[2]:match("^([^:]+): (.+)$")
        wrk.headers[name] = value
    end
end

function response(status, headers, body)
    if status ~= 200 or #body ~= wanted then
        wrong = wrong + 1
    end
end

function done(summary, latency, requests)
    local sum = 0
    for _, thread in ipairs(threads) do
        sum = sum + thread:get("wrong")
    end
    local errors = summary.errors
    print(string.format('{"requests": %d, "seconds": %.3f, "wrong": %d, "errors": %d, "p50": %.3f, "p99": %.3f}',
        summary.requests, summary.duration / 1e6, sum,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
