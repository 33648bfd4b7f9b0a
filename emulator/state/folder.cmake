embed(dodam_state dodam_schema_sql ${CMAKE_CURRENT_LIST_DIR}/schema.sql)
