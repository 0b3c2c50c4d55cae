# tests the stand-in vault:/
