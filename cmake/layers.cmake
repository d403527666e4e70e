# One folder of src/ is one layer. A layer lists its sources, the layers and libraries it uses, and its tests; the
# include-direction check (scripts/check_includes) holds the same table for headers. THREADS: its tests run several
# threads, so the thread sanitizer runs them too.
#
#   prefiqs_layer(graph SOURCES graph.cc TESTS graph_test.cc USES base LIBRARIES fmt::fmt)

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

set(PREFIQS_LAYERS "" CACHE INTERNAL "")
set(PREFIQS_LIBRARIES "" CACHE INTERNAL "")

function(prefiqs_layer name)
  cmake_parse_arguments(ARG "THREADS" "" "SOURCES;TESTS;USES;LIBRARIES;TEST_LIBRARIES" ${ARGN})
  add_library(prefiqs_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(prefiqs_${name} PUBLIC prefiqs_flags)
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(prefiqs_${name} PUBLIC prefiqs_${layer})
  endforeach()
  target_link_libraries(prefiqs_${name} PRIVATE ${ARG_LIBRARIES})
  set(PREFIQS_LAYERS ${PREFIQS_LAYERS} prefiqs_${name} CACHE INTERNAL "")
  set(libraries ${PREFIQS_LIBRARIES} ${ARG_LIBRARIES})
  list(REMOVE_DUPLICATES libraries)
  set(PREFIQS_LIBRARIES ${libraries} CACHE INTERNAL "")
  if(PREFIQS_DEVELOPER AND ARG_TESTS)
    if(ARG_THREADS)
      set(threads THREADS)
    else()
      set(threads)
    endif()
    prefiqs_test(prefiqs_${name}_test ${threads} SOURCES ${ARG_TESTS} USES ${name}
      LIBRARIES ${ARG_LIBRARIES} ${ARG_TEST_LIBRARIES})
  endif()
endfunction()

# A GoogleTest program, one CTest case a test. Tests find the material beside the project by PREFIQS_SHARED_DIR. The
# targets unit_tests and thread_tests build all of them, and those that run threads.
include(GoogleTest)
add_custom_target(unit_tests)
add_custom_target(thread_tests)
function(prefiqs_test target)
  cmake_parse_arguments(ARG "THREADS" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE prefiqs_flags GTest::gtest GTest::gtest_main GTest::gmock ${ARG_LIBRARIES})
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(${target} PRIVATE prefiqs_${layer})
  endforeach()
  target_compile_definitions(${target} PRIVATE
    PREFIQS_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared" PREFIQS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(${target} PRIVATE ${PREFIQS_TEST_OPTIONS})
  target_precompile_headers(${target} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  add_dependencies(unit_tests ${target})
  set(label unit)
  if(ARG_THREADS)
    add_dependencies(thread_tests ${target})
    set(label unit-threads)  # one label, since a list does not survive the way to the tests; -L takes a pattern
  endif()
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${label} TIMEOUT 900)
endfunction()
