# The compose file belongs to the repository's top level; an installed dodam has no checkout, so it carries the text.
embed(dodam_backing dodam_compose_file ${CMAKE_SOURCE_DIR}/docker-compose.yml)
