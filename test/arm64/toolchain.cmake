# toolchain: 64-bit ARM by Debian's cross compiler; programs run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
# PACKAGES: where fetch-packages.sh has put what is linked.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PACKAGES)
list(PREPEND CMAKE_PREFIX_PATH "${PACKAGES}/usr")
