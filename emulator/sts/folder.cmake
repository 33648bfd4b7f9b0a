embed(dodam_sts dodam_sts_operations ${CMAKE_CURRENT_LIST_DIR}/operations.txt)
