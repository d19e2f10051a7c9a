# The server, the line of stages and what holds them together.
target_sources(assay_gateway PRIVATE
  cluster/script_runner.cc
  cluster/shared_experiments.cc
  cluster/shared_limits.cc
  cluster/shared_locks.cc
  cluster/shared_sums.cc
  http/request_parser.cc
  openai/edit.cc
  openai/json_scan.cc
  openai/model_list.cc
  openai/request.cc
  openai/request_scan.cc
  runtime/endpoints.cc
  runtime/gateway.cc
  runtime/keys_endpoints.cc
  runtime/server_options.cc
  runtime/status_metrics.cc
  runtime/upstream_views.cc
  server/client_connection.cc
  server/compute_pool.cc
  server/io_thread.cc
  server/send_batch.cc
  server/server.cc
  server/stream.cc
  stages/cache_wish.cc
  stages/circle.cc
  stages/client_sink.cc
  stages/miss.cc
  stages/models.cc
  stages/pipeline.cc
  stages/pipeline_state.cc
  stages/refresh.cc
  stages/semantic.cc
  semantic/semantic_pool.cc
  semantic/semantic_request.cc
  stages/verdicts.cc
  experts/circle.cc
  experts/consensus_api.cc
  experts/expert_request.cc
  experts/given.cc
  experts/reliability_pool.cc
  services/answer_cache.cc
  services/encoder_pool.cc
  services/key_gate.cc
  services/route_table.cc
  services/telemetry_observer.cc)

assay_test(NAME gateway_request_test
  SOURCES experts/expert_request_test.cc experts/reliability_pool_test.cc http/request_parser_test.cc openai/json_scan_test.cc openai/request_test.cc server/send_batch_test.cc
  LINK assay_gateway Boost::json simdjson::simdjson)

assay_test(NAME gateway_cluster_test
  SOURCES cluster/shared_experiments_test.cc cluster/shared_limits_test.cc cluster/shared_locks_test.cc
  LINK assay_gateway)
