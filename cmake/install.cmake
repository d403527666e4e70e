# `cmake --install`: the shared library, its public headers, the command, and a package for find_package(prefiqs).
include(CMakePackageConfigHelpers)
install(TARGETS prefiqs EXPORT prefiqsTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS prefiqs_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/prefiqs DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/prefiqs)
set(PREFIQS_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/prefiqs)
install(EXPORT prefiqsTargets NAMESPACE prefiqs:: DESTINATION ${PREFIQS_CMAKE_DIR})
configure_package_config_file(cmake/prefiqsConfig.cmake.in ${PROJECT_BINARY_DIR}/prefiqsConfig.cmake
  INSTALL_DESTINATION ${PREFIQS_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/prefiqsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/prefiqsConfig.cmake ${PROJECT_BINARY_DIR}/prefiqsConfigVersion.cmake DESTINATION ${PREFIQS_CMAKE_DIR})
