# Upstreams, streams and coalescing; included by the room's CMakeLists.txt.
target_sources(assay_gateway PRIVATE
  coalescing/coalescer.cc
  coroutine/event_socket.cc
  sse/chat_stream.cc sse/json_merge.cc sse/reader.cc sse/replay.cc
  upstream/answer.cc upstream/route_client.cc upstream/upstream.cc
  upstream/health/health_watch.cc
  upstream/http/connection.cc upstream/http/http_provider.cc upstream/http/request_head.cc
  upstream/http/response.cc upstream/http/url.cc
  upstream/policy/choice.cc upstream/policy/circuit_breaker.cc upstream/policy/latency_window.cc)

assay_test(NAME gateway_policy_test
  SOURCES upstream/health/health_watch_test.cc upstream/http/response_test.cc upstream/policy/policy_test.cc
  LINK assay_gateway)

assay_test(NAME gateway_http_provider_test
  SOURCES upstream/http/http_provider_test.cc upstream/http/tls_test.cc
  LINK assay_gateway OpenSSL::SSL OpenSSL::Crypto)

assay_test(NAME gateway_sse_test
  SOURCES sse/sse_test.cc
  LINK assay_gateway Boost::json)

assay_test(NAME gateway_coalescer_test
  SOURCES
    coalescing/coalescer_test.cc coalescing/coalescer_threads_test.cc coalescing/shared_work_test.cc
    coroutine/event_socket_test.cc
  LINK assay_gateway)

assay_test(NAME gateway_route_client_test
  SOURCES upstream/in_flight_test.cc upstream/route_client_test.cc
  LINK assay_gateway)
