# Installation: headers, library, one CMake package with a component per target, one pkg-config file per target.
include(CMakePackageConfigHelpers)

set(AURAIO_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/auraio")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

# An export set for each component: one flavour can be used where the other's headers are not installed.
set(components core auraio boost adopt boost_adopt)
if(NOT AURAIO_STOCK)
    list(APPEND components c)
endif()
foreach(component IN LISTS components)
    install(TARGETS auraio_${component} EXPORT auraio-${component}-targets)
    install(EXPORT auraio-${component}-targets NAMESPACE auraio:: DESTINATION "${AURAIO_CMAKE_DIR}")
endforeach()

get_target_property(AURAIO_CORE_TYPE auraio_core TYPE)
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/auraio-config.cmake.in" "${PROJECT_BINARY_DIR}/auraio-config.cmake"
    INSTALL_DESTINATION "${AURAIO_CMAKE_DIR}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/auraio-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/auraio-config.cmake"
    "${PROJECT_BINARY_DIR}/auraio-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findliburing.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/AuraioFindBoost.cmake"
    DESTINATION "${AURAIO_CMAKE_DIR}")

# Who links a static core has to link liburing as well, without being asked for --static.
set(AURAIO_PC_CFLAGS "")
if(AURAIO_STOCK)
    set(AURAIO_PC_CFLAGS "-DAURAIO_STOCK")
    set(AURAIO_PC_LIBS "-pthread")
elseif(AURAIO_CORE_TYPE STREQUAL "STATIC_LIBRARY")
    set(AURAIO_PC_LIBS "-lauraio-core -luring -ldl -pthread")
else()
    set(AURAIO_PC_LIBS "-lauraio-core")
endif()
# Relative to the file itself, so that `cmake --install --prefix` and moved trees work.
file(RELATIVE_PATH AURAIO_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH AURAIO_PC_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH AURAIO_PC_INCLUDEDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(pkg_config_files auraio-core auraio auraio-boost auraio-adopt auraio-boost-adopt)
if(NOT AURAIO_STOCK)
    list(APPEND pkg_config_files auraio-c)
endif()
foreach(file IN LISTS pkg_config_files)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${file}.pc.in" "${PROJECT_BINARY_DIR}/${file}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${file}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
