# One folder of src/ is one layer. A layer lists its sources, the layers and libraries it uses, and its tests; the
# include-direction check (scripts/check_includes) holds the same table for headers. THREAD_TESTS are the test files that
# run several threads at once: the thread sanitizer's build has them alone, for the others cannot show it anything. COLD: has no
# loops over many numbers, so that builds whose time goes into compiling may leave it unoptimised (PREFIQS_COLD_OPTIONS).
#
#   prefiqs_layer(graph SOURCES graph.cc TESTS graph_test.cc THREAD_TESTS tensor_test.cc USES base LIBRARIES fmt::fmt)

if(PREFIQS_SANITIZE)
  add_compile_options(-fsanitize=${PREFIQS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PREFIQS_SANITIZE})
endif()

# Flags of code of ours (and not of what users build against it).
add_library(prefiqs_flags INTERFACE)
target_include_directories(prefiqs_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
# Floating point must mean the same everywhere: no contraction of a*b+c behind our back.
target_compile_options(prefiqs_flags INTERFACE -ffp-contract=off)
if(PREFIQS_DEVELOPER)
  target_compile_options(prefiqs_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror)
endif()

# Headers that are read once for many files: GoogleTest's for all tests, and, where sanitizers make compiling dear, the usual
# ones. Other builds read those for each file, so that a file that misses an include fails there.
set(PREFIQS_HEADERS)
if(PREFIQS_SANITIZE)
  set(PREFIQS_HEADERS <algorithm> <array> <cmath> <filesystem> <functional> <map> <memory> <optional> <random> <set> <span> <string>
    <string_view> <unordered_map> <utility> <vector> <fmt/format.h>)
endif()
# prefiqs_read_once(TARGET KIND LIBRARIES HEADER...): the first target of a kind reads the headers for all of that kind, which
# have the same compiler options.
function(prefiqs_read_once target kind libraries)
  if("OpenMP::OpenMP_CXX" IN_LIST libraries)  # another language to compilers
    set(kind ${kind}_openmp)
  endif()
  get_property(first GLOBAL PROPERTY PREFIQS_HEADERS_${kind})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  elseif(ARGN)
    target_precompile_headers(${target} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY PREFIQS_HEADERS_${kind} ${target})
  endif()
endfunction()

# What the fuzzers run. Their search is led by what of it was reached, and counting that costs time, in the compiler as well:
# nothing else is counted.
set(PREFIQS_FUZZED)
if(PREFIQS_FUZZ)
  set(PREFIQS_FUZZED base graph ops model image input score report eval)
endif()

set(PREFIQS_LAYERS "" CACHE INTERNAL "")
set(PREFIQS_LIBRARIES "" CACHE INTERNAL "")

function(prefiqs_layer name)
  cmake_parse_arguments(ARG "COLD" "" "SOURCES;TESTS;THREAD_TESTS;USES;LIBRARIES;TEST_LIBRARIES" ${ARGN})
  add_library(prefiqs_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(prefiqs_${name} PUBLIC prefiqs_flags)
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(prefiqs_${name} PUBLIC prefiqs_${layer})
  endforeach()
  target_link_libraries(prefiqs_${name} PRIVATE ${ARG_LIBRARIES})
  set(kind layer)
  if(name IN_LIST PREFIQS_FUZZED)
    target_compile_options(prefiqs_${name} PRIVATE -fsanitize=fuzzer-no-link)
    set(kind fuzzed)
  elseif(ARG_COLD)
    target_compile_options(prefiqs_${name} PRIVATE ${PREFIQS_COLD_OPTIONS})
    set(kind cold)
  endif()
  if("fmt::fmt" IN_LIST ARG_LIBRARIES)
    prefiqs_read_once(prefiqs_${name} ${kind} "${ARG_LIBRARIES}" ${PREFIQS_HEADERS})
  endif()
  set(PREFIQS_LAYERS ${PREFIQS_LAYERS} prefiqs_${name} CACHE INTERNAL "")
  set(libraries ${PREFIQS_LIBRARIES} ${ARG_LIBRARIES})
  list(REMOVE_DUPLICATES libraries)
  set(PREFIQS_LIBRARIES ${libraries} CACHE INTERNAL "")
  if(PREFIQS_DEVELOPER)
    prefiqs_test(prefiqs_${name}_test SOURCES ${ARG_TESTS} THREAD_SOURCES ${ARG_THREAD_TESTS} USES ${name}
      LIBRARIES ${ARG_LIBRARIES} ${ARG_TEST_LIBRARIES})
  endif()
endfunction()

# A GoogleTest program, one CTest case a test. Tests find the material beside the project by PREFIQS_SHARED_DIR. The
# target unit_tests builds all of them.
include(GoogleTest)
add_custom_target(unit_tests)
function(prefiqs_test target)
  cmake_parse_arguments(ARG "" "" "SOURCES;THREAD_SOURCES;USES;LIBRARIES" ${ARGN})
  if(NOT PREFIQS_SANITIZE STREQUAL "thread")
    list(PREPEND ARG_THREAD_SOURCES ${ARG_SOURCES})
  endif()
  if(NOT ARG_THREAD_SOURCES)
    return()
  endif()
  add_executable(${target} ${ARG_THREAD_SOURCES})
  target_link_libraries(${target} PRIVATE prefiqs_flags GTest::gtest GTest::gtest_main GTest::gmock fmt::fmt ${ARG_LIBRARIES})
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(${target} PRIVATE prefiqs_${layer})
  endforeach()
  target_compile_definitions(${target} PRIVATE
    PREFIQS_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared" PREFIQS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(${target} PRIVATE ${PREFIQS_TEST_OPTIONS})
  prefiqs_read_once(${target} test "${ARG_LIBRARIES}" <gmock/gmock.h> <gtest/gtest.h> ${PREFIQS_HEADERS})
  add_dependencies(unit_tests ${target})
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
