# assay_precompile(<target> LIBRARY|TEST|GATEWAY_LIBRARY|GATEWAY_TEST)
#
# In the presets asan and fuzz, whose builds are for finding faults alone, the headers that nearly every file includes are
# read once for each kind of target. Elsewhere this does nothing: the release build says which include a file lacks, and
# g++ 12 warns of what is in system headers once they are precompiled.
option(ASSAY_PRECOMPILED "Precompile the headers that nearly every file includes (clang)" OFF)

set(assay_common_headers
  <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <deque>
  <expected> <filesystem> <fstream> <functional> <limits> <map> <memory> <mutex> <numeric> <optional> <random> <set>
  <span> <sstream> <string> <string_view> <system_error> <thread> <tuple> <unordered_map> <utility> <variant> <vector>
  <fmt/format.h>)
set(assay_gateway_headers
  <boost/asio/awaitable.hpp> <boost/asio/bind_cancellation_slot.hpp> <boost/asio/co_spawn.hpp>
  <boost/asio/detached.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp> <boost/asio/steady_timer.hpp>
  <boost/asio/this_coro.hpp> <boost/asio/use_awaitable.hpp> <boost/json.hpp>)

# One target holds the precompiled headers of each kind; made when the first of the kind asks.
function(assay_precompile target kind)
  if(NOT ASSAY_PRECOMPILED)
    return()
  endif()
  string(TOLOWER "assay_precompiled_${kind}" holder)
  if(NOT TARGET ${holder})
    file(WRITE "${CMAKE_BINARY_DIR}/${holder}.cc" "")
    add_library(${holder} OBJECT "${CMAKE_BINARY_DIR}/${holder}.cc")
    set(headers ${assay_common_headers})
    if(kind MATCHES "GATEWAY")
      list(APPEND headers ${assay_gateway_headers})
      # As assay_gateway has them: what the headers are read with must be what they are used with.
      target_compile_definitions(${holder} PRIVATE
        BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
      target_link_libraries(${holder} PRIVATE Boost::json)
    endif()
    if(kind MATCHES "TEST")
      list(APPEND headers <gtest/gtest.h>)
      target_link_libraries(${holder} PRIVATE GTest::gtest)
      set_target_properties(${holder} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${holder} PRIVATE -fPIE)  # as executables have it
    endif()
    target_link_libraries(${holder} PRIVATE assay_flags fmt::fmt Threads::Threads)
    target_precompile_headers(${holder} PRIVATE ${headers})
  endif()
  # The first for ccache (with CCACHE_SLOPPINESS=pch_defines,time_macros), which knows a file again by it. Some libraries ask
  # for -pthread, and clang wants it of all or none.
  foreach(name IN ITEMS ${holder} ${target})
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp" -pthread)
  endforeach()
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()
