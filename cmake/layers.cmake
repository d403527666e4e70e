# One folder of src/ is one layer. A layer lists its sources, the layers and libraries it uses, and its tests; the
# include-direction check (scripts/check_includes) holds the same table for headers.
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
  cmake_parse_arguments(ARG "" "" "SOURCES;TESTS;USES;LIBRARIES;TEST_USES;TEST_LIBRARIES" ${ARGN})
  foreach(kind SOURCES TESTS)  # BOOTSTRAP: remove when every folder is there
    foreach(file IN LISTS ARG_${kind})
      if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        list(REMOVE_ITEM ARG_${kind} ${file})
        message(STATUS "missing yet: ${name}/${file}")
      endif()
    endforeach()
  endforeach()
  if(NOT ARG_SOURCES)
    return()
  endif()
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
    prefiqs_test(prefiqs_${name}_test SOURCES ${ARG_TESTS} USES ${name} ${ARG_TEST_USES} LIBRARIES ${ARG_LIBRARIES} ${ARG_TEST_LIBRARIES})
  endif()
endfunction()

# A GoogleTest program, one CTest case a test. Tests find the material beside the project by PREFIQS_SHARED_DIR.
include(GoogleTest)
function(prefiqs_test target)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE prefiqs_flags GTest::gtest GTest::gtest_main GTest::gmock ${ARG_LIBRARIES})
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(${target} PRIVATE prefiqs_${layer})
  endforeach()
  target_compile_definitions(${target} PRIVATE
    PREFIQS_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared" PREFIQS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
endfunction()
