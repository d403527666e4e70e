# Everything comes from Debian packages (scripts/setup installs them); nothing is downloaded by the build.

# Debian's dnnl-config.cmake insists on OpenCL's headers, which nothing here needs: find the library by itself.
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES
  IMPORTED_LOCATION ${DNNL_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})


# OpenCVConfig.cmake comes with libopencv-dev, which pulls in every module and 140 libraries; core and imgproc have packages of their own.
find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(module core imgproc)
  find_library(OPENCV_${module}_LIBRARY opencv_${module} REQUIRED)
  add_library(OpenCV::${module} UNKNOWN IMPORTED)
  set_target_properties(OpenCV::${module} PROPERTIES
    IMPORTED_LOCATION ${OPENCV_${module}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${OPENCV_INCLUDE_DIR})
endforeach()
set_property(TARGET OpenCV::imgproc PROPERTY INTERFACE_LINK_LIBRARIES OpenCV::core)

find_package(OpenMP REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED CONFIG)
# ONNX 1.12 calls its targets onnx and onnx_proto, later versions give them a namespace.
foreach(part onnx onnx_proto)
  if(NOT TARGET ONNX::${part})
    add_library(ONNX::${part} ALIAS ${part})
  endif()
endforeach()
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
if(PREFIQS_DEVELOPER)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()
