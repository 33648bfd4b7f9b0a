# The page is one HTML file, built from frontend/ by script/build where Node is present; else a note of
# what is missing.
set(console_page ${CMAKE_SOURCE_DIR}/frontend/dist/index.html)
if(NOT EXISTS ${console_page})
    set(console_page ${CMAKE_SOURCE_DIR}/emulator/console/no_page.html)
endif()
embed(dodam_console console_page ${console_page})
