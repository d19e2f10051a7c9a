# The dashboard: its handlers, and the built files of web/ inside the program.
assay_embed(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/dashboard/embedded_files.cc"
  NAMESPACE assay::gateway::dashboard
  HEADER dashboard/embedded_file_internal.h
  FOLDER "${CMAKE_SOURCE_DIR}/web/dist"
  FILES index.html icon.svg assets/app.js assets/app.css assets/inter.woff2)

target_sources(assay_gateway PRIVATE
  dashboard/assets.cc dashboard/dashboard.cc dashboard/json.cc dashboard/live_sources.cc
  dashboard/password.cc dashboard/request_check.cc dashboard/sessions.cc dashboard/traffic.cc
  "${CMAKE_CURRENT_BINARY_DIR}/dashboard/embedded_files.cc")

assay_test(NAME gateway_dashboard_test
  SOURCES dashboard/dashboard_test.cc dashboard/json_test.cc
  LINK assay_gateway Boost::json)
