# The server, the line of stages and what holds them together.
target_sources(assay_gateway PRIVATE
  http/request_parser.cc
  openai/model_list.cc
  openai/request.cc
  runtime/gateway.cc
  server/client_connection.cc
  server/compute_pool.cc
  server/io_thread.cc
  server/server.cc
  server/stream.cc
  services/answer_cache.cc
  stages/cache_wish.cc
  stages/client_sink.cc
  stages/miss.cc
  stages/models.cc
  stages/pipeline.cc
  stages/pipeline_state.cc
  services/route_table.cc)
